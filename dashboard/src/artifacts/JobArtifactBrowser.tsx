// All artifacts of one job, as a table or as tiles, with the pane of the selected one beside them. What is selected lives in
// the address bar.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { jobArtifactsQuery } from "../api/artifacts";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { Segmented } from "../components/Segmented";
import { TableSkeleton } from "../components/TableSkeleton";
import { formatCount, totalOf } from "../format/numbers";
import { useLiveArtifacts } from "../hooks/useLiveArtifacts";
import type { JobSearch } from "../router/searches";
import { ArtifactGallery } from "./ArtifactGallery";
import { ArtifactPane } from "./ArtifactPane";
import { ArtifactTable } from "./ArtifactTable";
import { DownloadAll } from "./DownloadAll";
import { UploadArea } from "./UploadArea";

const LAYOUTS = [
  ["table", "Table"],
  ["gallery", "Gallery"],
] as const;

interface JobArtifactBrowserProps {
  jobId: string;
  settled: boolean;
  search: JobSearch;
  onSearch: (next: JobSearch, options: { replace: boolean }) => void;
}

export function JobArtifactBrowser({ jobId, settled, search, onSearch }: JobArtifactBrowserProps) {
  useLiveArtifacts();
  const { selected, tab, compare, layout, part } = search;
  const { data, error } = useQuery(jobArtifactsQuery(jobId, { settled }));
  const base = { ...(part !== undefined && { part }), ...(layout !== undefined && { layout }) };
  const close = (): void => {
    onSearch(base, { replace: false });
  };
  return (
    <div
      className={selected === undefined ? "split" : "split split-open"}
      onKeyDown={(event) => {
        if (event.key === "Escape" && selected !== undefined) close();
      }}
    >
      <section aria-label="Artifacts of this job">
        <div className="list-line">
          <span className="muted">{data !== undefined && totalOf(data, "artifact")}</span>
          <div className="list-line-end">
            {data !== undefined && data.total > 0 && <DownloadAll jobId={jobId} />}
            <Segmented
              label="View"
              value={layout ?? "table"}
              choices={LAYOUTS}
              onChange={(next) => {
                const { layout: _, ...rest } = search;
                onSearch({ ...rest, ...(next === "gallery" && { layout: next }) }, { replace: true });
              }}
            />
          </div>
        </div>
        <ErrorNotice error={error} wanted="the artifacts" showsOlder={data !== undefined} />
        {data === undefined && error === null && <TableSkeleton />}
        <UploadArea jobId={jobId}>
          {data?.total === 0 && <NoArtifacts settled={settled} />}
          {data !== undefined && data.total > 0 && (layout === "gallery" ? <ArtifactGallery artifacts={data.items} selected={selected} /> : <ArtifactTable artifacts={data.items} selected={selected} ofOneJob />)}
          {data !== undefined && data.total > data.items.length && (
            <p className="code-note">
              These are the newest {formatCount(data.items.length)}.{" "}
              <Link to="/artifacts" search={{ job_id: jobId }}>
                See all
              </Link>
            </p>
          )}
        </UploadArea>
      </section>
      {selected !== undefined && (
        <ArtifactPane
          artifactId={selected}
          listed={data?.items.find((artifact) => artifact.id === selected)}
          view={{ tab: tab ?? "preview", compare }}
          onView={(next) => {
            const shown = { ...(next.tab !== "preview" && { tab: next.tab }), ...(next.compare !== undefined && { compare: next.compare }) };
            onSearch({ ...base, selected, ...shown }, { replace: next.compare === undefined });
          }}
          onClose={close}
        />
      )}
    </div>
  );
}

function NoArtifacts({ settled }: { settled: boolean }) {
  return (
    <EmptyState title={settled ? "This job made no artifacts" : "No artifacts yet"}>
      <p>{settled ? "A task keeps what it makes with one call:" : "They appear here as soon as the job makes them:"}</p>
      <Command>{`await upnext.create_artifact(name="report.json", data={"rows": 42})`}</Command>
    </EmptyState>
  );
}
