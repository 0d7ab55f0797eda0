// Asks for the server's key, in place of the page that could not be shown without it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { isMissingCall } from "../api/client";
import { signInMutation } from "../api/session";
import { FailedAction } from "../components/FailedAction";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

export function SignIn() {
  useDocumentTitle("Sign in");
  const client = useQueryClient();
  const [key, setKey] = useState("");
  const signIn = useMutation(signInMutation(client));
  return (
    <form
      className="card sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        signIn.mutate(key.trim());
      }}
    >
      <h1>Sign in</h1>
      <p className="muted">
        This server asks for its key: the one it was started with in <code>UPNEXT_API_KEY</code>.
      </p>
      <label className="field field-block">
        Key
        <input
          type="password"
          autoComplete="current-password"
          required
          autoFocus
          value={key}
          onChange={(event) => {
            setKey(event.target.value);
          }}
        />
      </label>
      {isMissingCall(signIn.error) ? (
        <p className="notice" role="alert">
          This server is older than the dashboard and knows no signing in. Send the key as <code>Authorization: Bearer …</code>, from a proxy
          say, or update the server.
        </p>
      ) : (
        <FailedAction error={signIn.error} title="Not signed in" />
      )}
      <button type="submit" className="button button-primary" disabled={signIn.isPending}>
        Sign in
      </button>
    </form>
  );
}
