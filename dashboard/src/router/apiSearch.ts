// What the page of one API keeps in the address bar.
import { REQUEST_STATUSES, type RequestFilter } from "../api/apis";
import { TREND_HOURS, type TrendHours } from "../api/overview";
import { readCount, readText, readWord } from "./searchParams";

export interface ApiSearch extends RequestFilter {
  /** What the traffic shows; 24 when absent. */
  hours?: TrendHours;
}

export function validateApiSearch(raw: Record<string, unknown>): ApiSearch {
  const hours = TREND_HOURS.find((one) => one === readCount(raw["hours"]) && one !== 24);
  const status = readWord(raw["status"], REQUEST_STATUSES);
  const method = readText(raw["method"]);
  const route = readText(raw["route"]);
  return {
    ...(hours !== undefined && { hours }),
    ...(status !== undefined && { status }),
    ...(method !== undefined && { method }),
    ...(route !== undefined && { route }),
  };
}
