// Runs before every unit test file: an address for the page, and a clean page after each test.
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

import { reportKeyNeeded } from "../api/connection";

const base = document.createElement("base");
base.href = "http://dashboard.test/";
document.head.append(base);

// The first test of a file waits for its page to be fetched.
configure({ asyncUtilTimeout: 5_000 });

afterEach(() => {
  cleanup();
  reportKeyNeeded(false);
});
