// Adds files to a job: dropped anywhere on its artifacts, or chosen. Each becomes an artifact under its own name.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";

import { uploadMutation } from "../api/jobChanges";
import { FailedAction } from "../components/FailedAction";
import { countOf } from "../format/numbers";

export function UploadArea({ jobId, children }: { jobId: string; children: ReactNode }) {
  const client = useQueryClient();
  const { mutateAsync } = useMutation(uploadMutation(client, jobId));
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [rest, setRest] = useState(0);
  const [problem, setProblem] = useState<Error | null>(null);
  const add = async (files: File[]): Promise<void> => {
    setProblem(null);
    setRest((before) => before + files.length);
    for (const file of files) {
      try {
        await mutateAsync(file);
      } catch (error) {
        setProblem(new Error(`${file.name}: ${error instanceof Error ? error.message : String(error)}`));
      } finally {
        setRest((before) => before - 1);
      }
    }
  };
  return (
    <div
      className="upload"
      data-over={over}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void add([...event.dataTransfer.files]);
      }}
    >
      {children}
      <p className="upload-line">
        <input
          ref={input}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            void add([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        <button type="button" className="button button-small" disabled={rest > 0} onClick={() => input.current?.click()}>
          Add files…
        </button>
        <span className="muted" role="status">
          {rest > 0 ? `Uploading ${countOf(rest, "file")}…` : "or drop them here"}
        </span>
      </p>
      <FailedAction error={problem} title="A file was not added" />
    </div>
  );
}
