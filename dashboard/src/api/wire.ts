// The REST shapes, as they travel: short names for the types generated from the server's OpenAPI document.
// Only the converters of this folder and the test factories may import this file.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type WireJob = Schemas["Job"];
export type WireJobPage = Schemas["JobPage"];
export type WireArtifact = Schemas["Artifact"];
export type WireArtifactPage = Schemas["ArtifactPage"];
export type WireFunction = Schemas["Function"];
export type WireFunctionList = Schemas["FunctionList"];
export type WireWorker = Schemas["Worker"];
export type WireWorkerInstance = Schemas["WorkerInstance"];
export type WireWorkerList = Schemas["WorkerList"];
export type WireHealth = Schemas["Health"];
export type WireReadiness = Schemas["Readiness"];
export type WireJobEvent = Schemas["JobEvent"];
export type WireAttemptList = Schemas["AttemptList"];
export type WireLogPage = Schemas["LogPage"];
export type WireJobLineage = Schemas["JobLineage"];
export type WireJobCancelled = Schemas["JobCancelled"];
export type WireJobRetried = Schemas["JobRetried"];
export type WireFunctionDetail = Schemas["FunctionDetail"];
export type WireAuthStatus = Schemas["AuthStatus"];
export type WireRequestFigures = Schemas["RequestFigures"];
export type WireApi = Schemas["Api"];
export type WireApiList = Schemas["ApiList"];
export type WireApiDetail = Schemas["ApiDetail"];
export type WireApiTrends = Schemas["ApiTrends"];
export type WireApiRequest = Schemas["ApiRequest"];
export type WireApiRequestPage = Schemas["ApiRequestPage"];
export type WireDashboardStats = Schemas["DashboardStats"];
export type WireJobTrends = Schemas["JobTrends"];
export type WireNewJob = Schemas["NewJob"];
export type WireJobSubmitted = Schemas["JobSubmitted"];
export type WireSettingList = Schemas["SettingList"];
