// The requests of an API, or of one of its routes, hour by hour, by how they ended.
import { useQuery } from "@tanstack/react-query";

import { trafficQuery, type TrafficHour } from "../api/apis";
import { TREND_HOURS, type TrendHours } from "../api/overview";
import { ErrorNotice } from "../components/ErrorNotice";
import { Panel } from "../components/Panel";
import { Segmented } from "../components/Segmented";
import { formatCount } from "../format/numbers";
import { formatDuration } from "../format/time";
import { roundTop } from "../overview/trendBars";
import { OUTCOMES, OUTCOME_WORDS, trafficBars, wordsOf, type TrafficBar } from "./trafficBars";

const hourFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const spanFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const WORDS: Record<TrendHours, string> = { 6: "6 h", 24: "24 h", 72: "3 d", 168: "7 d" };
const CHOICES = TREND_HOURS.map((hours) => [String(hours), WORDS[hours]] as const);

interface TrafficPanelProps {
  api: string;
  hours: TrendHours;
  onHours: (hours: TrendHours) => void;
}

export function TrafficPanel({ api, hours, onHours }: TrafficPanelProps) {
  const { data, error } = useQuery(trafficQuery({ hours, api }));
  return (
    <Panel
      title="Traffic"
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
      <ErrorNotice error={error} wanted="the traffic" showsOlder={data !== undefined} />
      {data === undefined ? error === null && <div className="trend-wait" role="status" aria-label="Loading" /> : <TrafficChart hours={data} />}
      <ul className="trend-legend" aria-label="Colours">
        {OUTCOMES.map((outcome) => (
          <li key={outcome}>
            <span className="trend-key" data-outcome={outcome} />
            {OUTCOME_WORDS[outcome]}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function TrafficChart({ hours }: { hours: TrafficHour[] }) {
  const bars = trafficBars(hours);
  const top = roundTop(Math.max(0, ...bars.map((bar) => bar.requests)));
  return (
    <div className="trend">
      <div className="trend-scale" aria-hidden="true">
        <span>{formatCount(top)}</span>
        <span>{formatCount(top / 2)}</span>
        <span>0</span>
      </div>
      <ol className="trend-plot traffic-plot" aria-label="Requests by hour">
        {bars.map((bar, index) => (
          <li key={bar.from.getTime()} className="trend-bar">
            <span className="visually-hidden">{`${spanFormat.format(bar.from)}: ${wordsOf(bar)}`}</span>
            {OUTCOMES.toReversed().map((outcome) => (
              <span key={outcome} className="trend-part" data-outcome={outcome} style={{ height: `${(100 * bar[outcome]) / top}%` }} />
            ))}
            <Tip bar={bar} late={index > bars.length / 2} />
          </li>
        ))}
      </ol>
      <div className="trend-times" aria-hidden="true">
        {bars.map((bar, index) => (
          <span key={bar.from.getTime()}>{(bars.length - 1 - index) % Math.max(1, Math.ceil(bars.length / 6)) === 0 && hourFormat.format(bar.from)}</span>
        ))}
      </div>
    </div>
  );
}

function Tip({ bar, late }: { bar: TrafficBar; late: boolean }) {
  return (
    <span className={late ? "trend-tip trend-tip-late" : "trend-tip"} aria-hidden="true">
      <strong>
        {spanFormat.format(bar.from)} – {hourFormat.format(bar.to)}
      </strong>
      {OUTCOMES.map((outcome) => (
        <span key={outcome} className="trend-tip-line">
          <span className="trend-key" data-outcome={outcome} />
          {OUTCOME_WORDS[outcome]}
          <span className="trend-tip-count">{formatCount(bar[outcome])}</span>
        </span>
      ))}
      <span className="trend-tip-line">
        95 % within
        <span className="trend-tip-count">{bar.p95Ms === null ? "–" : formatDuration(bar.p95Ms)}</span>
      </span>
    </span>
  );
}
