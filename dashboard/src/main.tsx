// Starts the dashboard in the page.
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createQueryClient } from "./api/live";
import { createDashboardRouter } from "./router/router";
import { beginTheme } from "./shell/theme";
import "./styles/index.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id 'root'");

beginTheme();
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <RouterProvider router={createDashboardRouter()} />
    </QueryClientProvider>
  </StrictMode>,
);
