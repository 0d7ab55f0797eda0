// All artifacts of a job as one file.
import { jobZipUrl } from "../api/artifacts";

export function DownloadAll({ jobId }: { jobId: string }) {
  return (
    <a className="button button-small" href={jobZipUrl(jobId)} download>
      Download all (zip)
    </a>
  );
}
