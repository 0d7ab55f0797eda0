// A link to a job by the end of its id; the whole id is in the title.
import { Link } from "@tanstack/react-router";

import { shortId } from "../format/numbers";

export function JobLink({ jobId }: { jobId: string }) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId }} className="id-link" title={jobId}>
      {shortId(jobId)}
    </Link>
  );
}
