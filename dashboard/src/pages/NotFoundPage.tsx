// An address that leads nowhere.
import { Link } from "@tanstack/react-router";

import { EmptyState } from "../components/EmptyState";
import { PageHeader } from "../components/PageHeader";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

export function NotFoundPage() {
  useDocumentTitle("Not found");
  return (
    <>
      <PageHeader title="Not found" />
      <EmptyState title="There is no such page">
        <p>
          The address may be mistyped. All jobs are <Link to="/jobs">here</Link>.
        </p>
      </EmptyState>
    </>
  );
}
