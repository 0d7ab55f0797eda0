// The route tree: which page answers which address.
import { createRootRoute, createRoute, createRouter, redirect, type RouterHistory } from "@tanstack/react-router";

import { basePath } from "../api/client";
import { PageCrash } from "../components/PageCrash";
import { Shell } from "../components/Shell";
import { ArtifactsPage } from "../pages/ArtifactsPage";
import { FunctionsPage } from "../pages/FunctionsPage";
import { JobPage } from "../pages/JobPage";
import { JobsPage } from "../pages/JobsPage";
import { NotFoundPage } from "../pages/NotFoundPage";
import { WorkersPage } from "../pages/WorkersPage";
import { parseSearch, stringifySearch } from "./searchParams";
import { validateArtifactsSearch, validateJobsSearch } from "./searches";

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/jobs", replace: true });
  },
});

const jobsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/jobs",
  validateSearch: validateJobsSearch,
  component: JobsPage,
});

const jobRoute = createRoute({ getParentRoute: () => rootRoute, path: "/jobs/$jobId", component: JobPage });

const artifactsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/artifacts",
  validateSearch: validateArtifactsSearch,
  component: ArtifactsPage,
});

const functionsRoute = createRoute({ getParentRoute: () => rootRoute, path: "/functions", component: FunctionsPage });

const workersRoute = createRoute({ getParentRoute: () => rootRoute, path: "/workers", component: WorkersPage });

const routeTree = rootRoute.addChildren([indexRoute, jobsRoute, jobRoute, artifactsRoute, functionsRoute, workersRoute]);

/** The browser's own history, unless a test brings another. */
export function createDashboardRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    ...(history && { history }),
    basepath: basePath(),
    parseSearch,
    stringifySearch,
    defaultErrorComponent: PageCrash,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>;
  }
}
