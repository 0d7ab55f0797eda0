// One worker: its instances with their slots, and the jobs that run in them.
import { Link } from "@tanstack/react-router";

import type { Job } from "../api/jobs";
import type { Worker, WorkerInstance } from "../api/workers";
import { ProgressBar } from "../components/ProgressBar";
import { SlotBar } from "../components/SlotBar";
import { JobDuration } from "../components/JobDuration";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes, formatCount } from "../format/numbers";

interface WorkerCardProps {
  worker: Worker;
  /** The running jobs, by the id of the instance. */
  jobs: Map<string | null, Job[]>;
}

const MOST_JOBS = 8;
const MOST_STOPPED = 3;

export function WorkerCard({ worker, jobs }: WorkerCardProps) {
  const alive = worker.instances.filter((instance) => instance.alive);
  const stopped = worker.instances.filter((instance) => !instance.alive);
  return (
    <section className="card worker" aria-label={worker.name}>
      <header className="worker-header">
        <span className="status" data-job-status={worker.active ? "complete" : "cancelled"}>
          <span className="status-dot" aria-hidden="true" />
          {worker.active ? "running" : "stopped"}
        </span>
        <h2>{worker.name}</h2>
        <span className="worker-slots">
          {worker.active ? <SlotBar busy={worker.busySlots} slots={worker.slots} /> : <TimeAgo date={worker.lastSeenAt} />}
          {worker.active && (
            <span className="muted">
              {formatCount(worker.busySlots)} / {formatCount(worker.slots)}
            </span>
          )}
        </span>
      </header>
      <ul className="instances">
        {alive.map((instance) => (
          <li key={instance.id}>
            <Instance instance={instance} jobs={jobs.get(instance.id) ?? []} showsSlots={alive.length > 1} />
          </li>
        ))}
        {stopped.slice(0, MOST_STOPPED).map((instance) => (
          <li key={instance.id}>
            <Instance instance={instance} jobs={[]} showsSlots={false} />
          </li>
        ))}
        {stopped.length > MOST_STOPPED && <li className="muted instance">and {formatCount(stopped.length - MOST_STOPPED)} more that stopped within a day</li>}
      </ul>
      <footer className="worker-functions">
        {worker.functions.map(({ key, name }) => (
          <Link key={key} to="/functions/$functionKey" params={{ functionKey: key }} className="tag-link">
            {name}
          </Link>
        ))}
      </footer>
    </section>
  );
}

function Instance({ instance, jobs, showsSlots }: { instance: WorkerInstance; jobs: Job[]; showsSlots: boolean }) {
  return (
    <div className="instance" data-alive={instance.alive}>
      <div className="instance-line">
        <Link to="/jobs" search={{ worker_id: instance.id }} className="id-link breakable" title="Its jobs">
          {instance.id}
        </Link>
        <span className="muted instance-facts">
          {instance.hostname}, process {instance.pid}, {instance.language} {instance.version},{" "}
          {instance.alive ? "since " : instance.stoppedAt === null ? "vanished, last seen " : "stopped "}
          <TimeAgo date={instance.alive ? instance.startedAt : (instance.stoppedAt ?? instance.lastSeenAt)} />
        </span>
        {instance.alive && instance.memoryBytes !== null && (
          <span className="instance-memory" title={`${formatCount(instance.memoryBytes)} bytes of memory, without child processes`}>
            {formatBytes(instance.memoryBytes)}
          </span>
        )}
        {showsSlots && <SlotBar busy={instance.busySlots} slots={instance.slots} />}
      </div>
      {jobs.length > 0 && (
        <ul className="job-lines instance-jobs">
          {jobs.slice(0, MOST_JOBS).map((job) => (
            <li key={job.id} className="row-link">
              <span className="job-line-name">
                <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="row-target">
                  {job.functionName}
                </Link>
                {job.progressMessage !== null && <span className="muted"> {job.progressMessage}</span>}
              </span>
              {job.progress > 0 && <ProgressBar value={job.progress} label={`Progress of ${job.functionName}`} />}
              <span className="job-line-end">
                <JobDuration job={job} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {jobs.length > MOST_JOBS && (
        <Link to="/jobs" search={{ worker_id: instance.id, status: ["active"] }} className="instance-more">
          {formatCount(jobs.length - MOST_JOBS)} more
        </Link>
      )}
    </div>
  );
}
