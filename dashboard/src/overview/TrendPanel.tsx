// The trend of all jobs, or of one function, over a time that the reader chooses.
import { useQuery } from "@tanstack/react-query";

import { ApiError, isMissingCall } from "../api/client";
import { trendsQuery, TREND_HOURS, type TrendHours } from "../api/overview";
import { ErrorNotice } from "../components/ErrorNotice";
import { Panel } from "../components/Panel";
import { Segmented } from "../components/Segmented";
import { useFeedRefresh } from "../hooks/useFeed";
import { TrendChart, TrendLegend } from "./TrendChart";

const WORDS: Record<TrendHours, string> = { 6: "6 h", 24: "24 h", 72: "3 d", 168: "7 d" };
const CHOICES = TREND_HOURS.map((hours) => [String(hours), WORDS[hours]] as const);
const REFRESH_GAP_MS = 5_000;

interface TrendPanelProps {
  hours: TrendHours;
  onHours: (hours: TrendHours) => void;
  functionKey?: string;
}

export function TrendPanel({ hours, onHours, functionKey }: TrendPanelProps) {
  const { data, error } = useQuery(trendsQuery({ hours, ...(functionKey !== undefined && { function: functionKey }) }));
  // An older server takes the word `trends` for the id of a job.
  const refused = isMissingCall(error) || (error instanceof ApiError && error.status === 422);
  useFeedRefresh([["trends"]], (event) => event.kind === "job" && (functionKey === undefined || event.functionKey === functionKey), REFRESH_GAP_MS);
  return (
    <Panel
      title="Throughput"
      className="panel-trend"
      aside={
        <Segmented
          label="Time"
          value={String(hours)}
          choices={CHOICES}
          onChange={(chosen) => {
            onHours(TREND_HOURS.find((one) => String(one) === chosen) ?? 24);
          }}
        />
      }
    >
      {refused ? (
        <p className="panel-absent">This server is older than the dashboard and does not count jobs by the hour.</p>
      ) : (
        <ErrorNotice error={error} wanted="the trend" showsOlder={data !== undefined} />
      )}
      {data === undefined ? error === null && <div className="trend-wait" role="status" aria-label="Loading" /> : (
        <>
          <TrendChart hours={data} {...(functionKey !== undefined && { functionKey })} />
          <TrendLegend />
        </>
      )}
    </Panel>
  );
}
