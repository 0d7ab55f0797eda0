// Submits a job: a field for each argument that the function names, or one JSON object. Also runs a job again with other arguments.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { isMissingCall } from "../api/client";
import { functionQuery, type FunctionParameter } from "../api/functions";
import { submitMutation } from "../api/jobChanges";
import { toJsonText, type JsonValue } from "../api/json";
import { Dialog } from "../components/Dialog";
import { FailedAction } from "../components/FailedAction";
import { Segmented } from "../components/Segmented";
import { prettyJson } from "../format/prettyJson";
import { kindOf, readArgument, readArguments, writeArgument } from "./argumentsText";

type Arguments = Record<string, JsonValue>;

interface SubmitDialogProps {
  functionKey: string;
  functionName: string;
  /** The arguments to begin with. */
  kwargs: Arguments;
  /** Of the job that is run again. */
  tags?: string[];
  title: string;
  onClose: () => void;
}

const VIEWS = [
  ["form", "Form"],
  ["json", "JSON"],
] as const;

export function SubmitDialog(props: SubmitDialogProps) {
  const { data, error } = useQuery(functionQuery(props.functionKey));
  // A function that no worker offers any more still has the arguments of its jobs.
  const ready = data !== undefined || error !== null;
  return (
    <Dialog title={props.title} className="dialog-wide" onClose={props.onClose}>
      {ready ? <SubmitForm {...props} parameters={data?.parameters ?? null} /> : <div className="preview-wait" role="status" aria-label="Loading" />}
    </Dialog>
  );
}

function SubmitForm({ functionKey, kwargs, tags = [], parameters, onClose }: SubmitDialogProps & { parameters: FunctionParameter[] | null }) {
  const fields = fieldsOf(parameters, kwargs);
  const [view, setView] = useState<"form" | "json">(fields.length > 0 ? "form" : "json");
  const [texts, setTexts] = useState(() => Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, writeArgument(value)])));
  const [json, setJson] = useState(() => indented(kwargs));
  const [delay, setDelay] = useState("");
  const [priority, setPriority] = useState("");
  const client = useQueryClient();
  const navigate = useNavigate();
  const submit = useMutation(submitMutation(client));
  const typed = view === "json" ? readArguments(json) : { kwargs: fromTexts(texts) };
  const problem = "problem" in typed ? typed.problem : null;
  const change = (next: "form" | "json"): void => {
    if (next === "json") setJson(indented(fromTexts(texts)));
    else if (!("problem" in typed)) setTexts(Object.fromEntries(Object.entries(typed.kwargs).map(([name, value]) => [name, writeArgument(value)])));
    setView(next);
  };
  const send = (): void => {
    if ("problem" in typed) return;
    submit.mutate(
      {
        functionKey,
        kwargs: typed.kwargs,
        tags,
        ...(delay !== "" && { delaySeconds: Number(delay) }),
        ...(priority !== "" && { priority: Number(priority) }),
      },
      {
        onSuccess: (jobId) => {
          onClose();
          void navigate({ to: "/jobs/$jobId", params: { jobId } });
        },
      },
    );
  };
  return (
    <form
      className="submit-form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {fields.length > 0 && <Segmented label="Arguments as" value={view} choices={VIEWS} onChange={change} />}
      {view === "form" ? (
        fields.map((field, index) => (
          <ArgumentField
            key={field.name}
            first={index === 0}
            field={field}
            text={texts[field.name] ?? ""}
            onChange={(text) => {
              setTexts({ ...texts, [field.name]: text });
            }}
          />
        ))
      ) : (
        <label className="field field-block">
          Arguments, as a JSON object
          <textarea
            rows={8}
            spellCheck={false}
            className="code-input"
            aria-invalid={problem !== null}
            value={json}
            onChange={(event) => {
              setJson(event.target.value);
            }}
          />
          {problem !== null && <span className="field-problem">{problem}</span>}
        </label>
      )}
      <div className="field-row">
        <NumberField label="Wait (seconds)" value={delay} min={0} placeholder="none" onChange={setDelay} />
        <NumberField label="Priority" value={priority} placeholder="0" onChange={setPriority} />
      </div>
      {isMissingCall(submit.error) ? (
        <p className="notice" role="alert">
          This server is older than the dashboard and takes no jobs over HTTP. Use <code>upnext call {functionKey}</code>, or update it.
        </p>
      ) : (
        <FailedAction error={submit.error} title="It was not submitted" />
      )}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="button button-primary" disabled={problem !== null || submit.isPending}>
          Run
        </button>
      </div>
    </form>
  );
}

interface ArgumentFieldProps {
  field: FunctionParameter;
  /** It is where typing begins. */
  first: boolean;
  text: string;
  onChange: (text: string) => void;
}

function ArgumentField({ field, first, text, onChange }: ArgumentFieldProps) {
  return (
    <label className="field field-block">
      <span>
        {field.name}
        <span className="muted">
          {field.required ? " · required" : ""}
          {text !== "" && ` · ${kindOf(readArgument(text))}`}
        </span>
      </span>
      <textarea
        rows={Math.min(6, text.split("\n").length)}
        className="code-input"
        spellCheck={false}
        required={field.required}
        autoFocus={first}
        data-first-focus={first ? "" : undefined}
        placeholder={field.required ? "" : "its default"}
        value={text}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
    </label>
  );
}

interface NumberFieldProps {
  label: string;
  value: string;
  placeholder: string;
  min?: number;
  onChange: (value: string) => void;
}

function NumberField({ label, value, placeholder, min, onChange }: NumberFieldProps) {
  return (
    <label className="field field-block">
      {label}
      <input
        type="number"
        step={1}
        {...(min !== undefined && { min })}
        placeholder={placeholder}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
    </label>
  );
}

/** The named arguments, and those of the job that are not among them. */
function fieldsOf(parameters: FunctionParameter[] | null, kwargs: Arguments): FunctionParameter[] {
  const named = parameters ?? [];
  const more = Object.keys(kwargs).filter((name) => !named.some((one) => one.name === name));
  return [...named, ...more.map((name) => ({ name, required: false }))];
}

/** An empty field leaves the argument to its default; an empty text is typed as "". */
function fromTexts(texts: Record<string, string>): Arguments {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== "").map(([name, text]) => [name, readArgument(text)]));
}

function indented(kwargs: Arguments): string {
  const text = toJsonText(kwargs);
  return prettyJson(text)?.map((token) => token.text).join("") ?? text;
}
