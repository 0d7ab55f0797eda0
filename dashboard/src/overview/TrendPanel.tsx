// The trend of all jobs, or of one function, over a time that the reader chooses.
import { useQuery } from "@tanstack/react-query";

import { ApiError, isMissingCall } from "../api/client";
import { toTrends, trendsKey, trendsQuery, trendsStreamUrl, TREND_HOURS, type TrendHours } from "../api/overview";
import { ErrorNotice } from "../components/ErrorNotice";
import { Panel } from "../components/Panel";
import { Segmented } from "../components/Segmented";
import { useSnapshots } from "../hooks/useSnapshots";
import { TrendChart, TrendLegend } from "./TrendChart";

const WORDS: Record<TrendHours, string> = { 6: "6 h", 24: "24 h", 72: "3 d", 168: "7 d" };
const CHOICES = TREND_HOURS.map((hours) => [String(hours), WORDS[hours]] as const);

interface TrendPanelProps {
  hours: TrendHours;
  onHours: (hours: TrendHours) => void;
  functionKey?: string;
}

export function TrendPanel({ hours, onHours, functionKey }: TrendPanelProps) {
  const filter = { hours, ...(functionKey !== undefined && { function: functionKey }) };
  const streamed = useSnapshots(trendsKey(filter), trendsStreamUrl(filter), toTrends);
  const { data, error } = useQuery(trendsQuery(filter, streamed));
  // An older server takes the word `trends` for the id of a job.
  const refused = isMissingCall(error) || (error instanceof ApiError && error.status === 422);
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
