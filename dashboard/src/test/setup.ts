// Runs before every unit test file: an address for the page, and a clean page after each test.
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

import { reportKeyNeeded } from "../api/connection";

const base = document.createElement("base");
base.href = "http://dashboard.test/";
document.head.append(base);

afterEach(() => {
  cleanup();
  reportKeyNeeded(false);
});
