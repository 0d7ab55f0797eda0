// Every artifact of every job, searchable, with a pane beside the list. Filters, order and selection live in the address bar.
import { getRouteApi } from "@tanstack/react-router";

import type { ArtifactFilter } from "../api/artifacts";
import { ArtifactFilters } from "../artifacts/ArtifactFilters";
import { ArtifactGallery } from "../artifacts/ArtifactGallery";
import { ArtifactPane, type PaneView } from "../artifacts/ArtifactPane";
import { ArtifactTable } from "../artifacts/ArtifactTable";
import { StoredBytes } from "../artifacts/StoredBytes";
import { MOST_COUNTED, useArtifactList } from "../artifacts/useArtifactList";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { LoadMore } from "../components/LoadMore";
import { NewsButton } from "../components/NewsButton";
import { PageHeader } from "../components/PageHeader";
import { Segmented } from "../components/Segmented";
import { TableSkeleton } from "../components/TableSkeleton";
import { totalOf } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

const route = getRouteApi("/artifacts");

const LAYOUTS = [
  ["table", "Table"],
  ["gallery", "Gallery"],
] as const;

export function ArtifactsPage() {
  useDocumentTitle("Artifacts");
  const { selected, tab, compare, layout, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  const { artifacts, news, showNews } = useArtifactList(filter);
  const rows = artifacts.data?.pages.flatMap((page) => page.items);
  const first = artifacts.data?.pages[0];
  const { sort: _, ...narrowing } = filter;
  const filtered = Object.keys(narrowing).length > 0;
  const laidOut = layout !== undefined && { layout };
  const pane = { ...laidOut, ...(selected !== undefined && { selected }), ...(tab !== undefined && { tab }), ...(compare !== undefined && { compare }) };
  const show = (next: ArtifactFilter) => navigate({ search: { ...next, ...pane }, replace: true, resetScroll: false });
  const view = (next: PaneView) =>
    navigate({
      search: {
        ...filter,
        ...laidOut,
        ...(selected !== undefined && { selected }),
        ...(next.tab !== "preview" && { tab: next.tab }),
        ...(next.compare !== undefined && { compare: next.compare }),
      },
      replace: next.compare === undefined,
      resetScroll: false,
    });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = artifacts;
  const loadMore = (): void => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  };
  const close = () => navigate({ search: { ...filter, ...laidOut }, resetScroll: false });
  const closeOnEscape = (event: React.KeyboardEvent): void => {
    // In the search box, Escape empties the box.
    if (event.key === "Escape" && selected !== undefined && !isField(event.target)) void close();
  };

  return (
    <div className={selected === undefined ? "split" : "split split-open"} onKeyDown={closeOnEscape}>
      <div>
        <PageHeader title="Artifacts" note={first !== undefined && totalOf(first, "artifact")}>
          <StoredBytes />
          <Segmented
            label="View"
            value={layout ?? "table"}
            choices={LAYOUTS}
            onChange={(next) => void navigate({ search: ({ layout: _, ...search }) => ({ ...search, ...(next === "gallery" && { layout: next }) }), replace: true, resetScroll: false })}
          />
        </PageHeader>
        <ArtifactFilters filter={filter} listedTypes={[...new Set(rows?.map(({ type }) => type))]} onChange={show} />
        <ErrorNotice error={artifacts.error} wanted="the artifacts" showsOlder={rows !== undefined} />
        {rows === undefined && artifacts.error === null && <TableSkeleton />}
        <NewsButton news={news} most={MOST_COUNTED} onShow={showNews} />
        {rows !== undefined && rows.length > 0 && (layout === "gallery" ? <ArtifactGallery artifacts={rows} selected={selected} /> : <ArtifactTable artifacts={rows} selected={selected} onNearEnd={loadMore} />)}
        {rows?.length === 0 && (filtered ? <NoMatch onClear={() => show({})} /> : <NoArtifacts />)}
        <LoadMore
          shown={rows?.length ?? 0}
          total={first}
          hasMore={artifacts.hasNextPage}
          loading={artifacts.isFetchingNextPage}
          onLoad={() => void artifacts.fetchNextPage()}
        />
      </div>
      {selected !== undefined && (
        <ArtifactPane
          artifactId={selected}
          listed={rows?.find((artifact) => artifact.id === selected)}
          view={{ tab: tab ?? "preview", compare }}
          onView={(next) => void view(next)}
          onClose={() => void close()}
        />
      )}
    </div>
  );
}

function isField(target: EventTarget): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
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
      <p>No artifact fits all of the filters.</p>
      <button type="button" className="button" onClick={onClear}>
        Show all artifacts
      </button>
    </EmptyState>
  );
}
