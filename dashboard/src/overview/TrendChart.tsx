// Jobs hour by hour, by how they ended. Each bar leads to its jobs; left and right move between the bars.
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";

import type { TrendHour } from "../api/overview";
import { formatCount } from "../format/numbers";
import { roundTop, SERIES, trendBars, type TrendBar } from "./trendBars";

const hourFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });
const spanFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

interface TrendChartProps {
  hours: TrendHour[];
  /** Only jobs of this function; kept by the links. */
  functionKey?: string;
}

export function TrendChart({ hours, functionKey }: TrendChartProps) {
  const bars = trendBars(hours);
  const top = roundTop(Math.max(0, ...bars.map((bar) => bar.total)));
  const [entry, setEntry] = useState(bars.length - 1);
  const plot = useRef<HTMLDivElement>(null);
  const move = (event: React.KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(bars.length - 1, Math.max(0, Math.min(entry, bars.length - 1) + step));
    setEntry(next);
    plot.current?.querySelectorAll<HTMLElement>("a")[next]?.focus();
  };
  return (
    <div className="trend">
      <div className="trend-scale" aria-hidden="true">
        <span>{formatCount(top)}</span>
        <span>{formatCount(top / 2)}</span>
        <span>0</span>
      </div>
      <div className="trend-plot" role="group" aria-label="Jobs by hour; left and right move between hours" ref={plot} onKeyDown={move}>
        {bars.map((bar, index) => (
          <Link
            key={bar.from.getTime()}
            to="/jobs"
            search={{ ...(functionKey !== undefined && { function: functionKey }), after: bar.from.toISOString(), before: bar.to.toISOString() }}
            className="trend-bar"
            tabIndex={index === Math.min(entry, bars.length - 1) ? 0 : -1}
            aria-label={`${spanFormat.format(bar.from)}: ${wordsOf(bar)}`}
          >
            {SERIES.toReversed().map((series) => (
              <span key={series} className="trend-part" data-series={series} style={{ height: `${(100 * bar[series]) / top}%` }} />
            ))}
            <Tip bar={bar} late={index > bars.length / 2} />
          </Link>
        ))}
      </div>
      <div className="trend-times" aria-hidden="true">
        {bars.map((bar, index) => (
          <span key={bar.from.getTime()}>{isLabelled(index, bars) && labelOf(bar, bars)}</span>
        ))}
      </div>
    </div>
  );
}

function Tip({ bar, late }: { bar: TrendBar; late: boolean }) {
  return (
    <span className={late ? "trend-tip trend-tip-late" : "trend-tip"} aria-hidden="true">
      <strong>
        {spanFormat.format(bar.from)} – {hourFormat.format(bar.to)}
      </strong>
      {SERIES.map((series) => (
        <span key={series} className="trend-tip-line">
          <span className="trend-key" data-series={series} />
          {series}
          <span className="trend-tip-count">{formatCount(bar[series])}</span>
        </span>
      ))}
    </span>
  );
}

export function TrendLegend() {
  return (
    <ul className="trend-legend" aria-label="Colours">
      {SERIES.map((series) => (
        <li key={series}>
          <span className="trend-key" data-series={series} />
          {series}
        </li>
      ))}
    </ul>
  );
}

function wordsOf(bar: TrendBar): string {
  const words = SERIES.filter((series) => bar[series] > 0).map((series) => `${formatCount(bar[series])} ${series}`);
  return words.length === 0 ? "no jobs" : words.join(", ");
}

function isLabelled(index: number, bars: TrendBar[]): boolean {
  const every = Math.max(1, Math.ceil(bars.length / 6));
  return (bars.length - 1 - index) % every === Math.floor(every / 2);
}

const TWO_DAYS_MS = 172_800_000;

/** The hour, or the day when they are more than two days. */
function labelOf(bar: TrendBar, bars: TrendBar[]): string {
  const span = (bars.at(-1)?.to.getTime() ?? 0) - (bars[0]?.from.getTime() ?? 0);
  return (span > TWO_DAYS_MS ? dayFormat : hourFormat).format(bar.from);
}
