// Every artifact of every job, searchable, with a preview beside the list. Search, type and selection live in the address bar.
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { artifactsQuery, type ArtifactFilter } from "../api/artifacts";
import { ArtifactFilters } from "../artifacts/ArtifactFilters";
import { ArtifactPane } from "../artifacts/ArtifactPane";
import { ArtifactTable } from "../artifacts/ArtifactTable";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { LoadMore } from "../components/LoadMore";
import { PageHeader } from "../components/PageHeader";
import { TableSkeleton } from "../components/TableSkeleton";
import { countOf } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

const route = getRouteApi("/artifacts");

export function ArtifactsPage() {
  useDocumentTitle("Artifacts");
  const { selected, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  const artifacts = useInfiniteQuery(artifactsQuery(filter));
  const rows = artifacts.data?.pages.flatMap((page) => page.items);
  const total = artifacts.data?.pages[0]?.total ?? 0;
  const filtered = filter.name !== undefined || filter.type !== undefined;
  const show = (next: ArtifactFilter) =>
    navigate({ search: selected === undefined ? next : { ...next, selected }, replace: true, resetScroll: false });
  const close = () => navigate({ search: filter, resetScroll: false });
  const closeOnEscape = (event: React.KeyboardEvent): void => {
    // In the search box, Escape empties the box.
    if (event.key === "Escape" && selected !== undefined && !(event.target instanceof HTMLInputElement)) void close();
  };

  return (
    <div className={selected === undefined ? "split" : "split split-open"} onKeyDown={closeOnEscape}>
      <div>
        <PageHeader title="Artifacts" note={rows !== undefined && countOf(total, "artifact")} />
        <ArtifactFilters filter={filter} onChange={show} />
        <ErrorNotice error={artifacts.error} wanted="the artifacts" showsOlder={rows !== undefined} />
        {rows === undefined && artifacts.error === null && <TableSkeleton />}
        {rows !== undefined && rows.length > 0 && <ArtifactTable artifacts={rows} selected={selected} />}
        {rows?.length === 0 && (filtered ? <NoMatch onClear={() => show({})} /> : <NoArtifacts />)}
        <LoadMore
          shown={rows?.length ?? 0}
          total={total}
          hasMore={artifacts.hasNextPage}
          loading={artifacts.isFetchingNextPage}
          onLoad={() => void artifacts.fetchNextPage()}
        />
      </div>
      {selected !== undefined && (
        <ArtifactPane
          artifactId={selected}
          listed={rows?.find((artifact) => artifact.id === selected)}
          onClose={() => void close()}
        />
      )}
    </div>
  );
}

function NoArtifacts() {
  return (
    <EmptyState title="No artifacts yet">
      <p>A task keeps what it makes with one call:</p>
      <Command>{`await upnext.create_artifact(name="report.json", data={"rows": 42})`}</Command>
    </EmptyState>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <EmptyState title="No artifact matches">
      <p>No artifact has this name and type.</p>
      <button type="button" className="button" onClick={onClear}>
        Show all artifacts
      </button>
    </EmptyState>
  );
}
