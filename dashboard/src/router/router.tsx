// The route tree: which page answers which address. Pages are fetched when somebody goes there.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, type RouterHistory } from "@tanstack/react-router";

import { basePath } from "../api/client";
import { PageCrash } from "../shell/PageCrash";
import { TableSkeleton } from "../components/TableSkeleton";
import { NotFoundPage } from "../pages/NotFoundPage";
import { Shell } from "../shell/Shell";
import { validateApiSearch } from "./apiSearch";
import { parseSearch, stringifySearch } from "./searchParams";
import { validateActivitySearch, validateArtifactsSearch, validateFunctionSearch, validateJobSearch, validateJobsSearch, validateOverviewSearch } from "./searches";

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });
const getParentRoute = () => rootRoute;

const overviewRoute = createRoute({
  getParentRoute,
  path: "/",
  validateSearch: validateOverviewSearch,
  component: lazyRouteComponent(() => import("../pages/OverviewPage"), "OverviewPage"),
});

const jobsRoute = createRoute({
  getParentRoute,
  path: "/jobs",
  validateSearch: validateJobsSearch,
  component: lazyRouteComponent(() => import("../pages/JobsPage"), "JobsPage"),
});

const jobRoute = createRoute({
  getParentRoute,
  path: "/jobs/$jobId",
  validateSearch: validateJobSearch,
  component: lazyRouteComponent(() => import("../pages/JobPage"), "JobPage"),
});

const artifactsRoute = createRoute({
  getParentRoute,
  path: "/artifacts",
  validateSearch: validateArtifactsSearch,
  component: lazyRouteComponent(() => import("../pages/ArtifactsPage"), "ArtifactsPage"),
});

const functionsRoute = createRoute({
  getParentRoute,
  path: "/functions",
  component: lazyRouteComponent(() => import("../pages/FunctionsPage"), "FunctionsPage"),
});

const functionRoute = createRoute({
  getParentRoute,
  path: "/functions/$functionKey",
  validateSearch: validateFunctionSearch,
  component: lazyRouteComponent(() => import("../pages/FunctionPage"), "FunctionPage"),
});

const workersRoute = createRoute({
  getParentRoute,
  path: "/workers",
  component: lazyRouteComponent(() => import("../pages/WorkersPage"), "WorkersPage"),
});

const apisRoute = createRoute({
  getParentRoute,
  path: "/apis",
  component: lazyRouteComponent(() => import("../pages/ApisPage"), "ApisPage"),
});

const apiRoute = createRoute({
  getParentRoute,
  path: "/apis/$apiName",
  validateSearch: validateApiSearch,
  component: lazyRouteComponent(() => import("../pages/ApiPage"), "ApiPage"),
});

const activityRoute = createRoute({
  getParentRoute,
  path: "/activity",
  validateSearch: validateActivitySearch,
  component: lazyRouteComponent(() => import("../pages/ActivityPage"), "ActivityPage"),
});

const settingsRoute = createRoute({
  getParentRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("../pages/SettingsPage"), "SettingsPage"),
});

const routeTree = rootRoute.addChildren([
  overviewRoute,
  jobsRoute,
  jobRoute,
  artifactsRoute,
  functionsRoute,
  functionRoute,
  workersRoute,
  apisRoute,
  apiRoute,
  activityRoute,
  settingsRoute,
]);

/** The browser's own history, unless a test brings another. */
export function createDashboardRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    ...(history && { history }),
    basepath: basePath(),
    parseSearch,
    stringifySearch,
    defaultErrorComponent: PageCrash,
    defaultPendingComponent: TableSkeleton,
    defaultPreload: "intent",
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>;
  }
}
