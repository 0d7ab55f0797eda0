import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";

import { beginTheme, chooseTheme } from "./theme";
import { ThemeButton } from "./ThemeButton";

beforeEach(() => {
  chooseTheme("system");
});

test("it goes from the system's colours to light, dark, and back, and says which they are", async () => {
  render(<ThemeButton />);
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "Colours: as the system" }));
  expect(document.documentElement.dataset["theme"]).toBe("light");
  await user.click(screen.getByRole("button", { name: "Colours: light" }));
  expect(document.documentElement.dataset["theme"]).toBe("dark");
  await user.click(screen.getByRole("button", { name: "Colours: dark" }));
  expect(document.documentElement.dataset["theme"]).toBeUndefined();
  expect(localStorage.getItem("upnext.theme")).toBeNull();
});

test("what was chosen is there the next time; what nobody can choose is not", () => {
  localStorage.setItem("upnext.theme", "dark");
  beginTheme();
  expect(document.documentElement.dataset["theme"]).toBe("dark");
  localStorage.setItem("upnext.theme", "plaid");
  beginTheme();
  expect(document.documentElement.dataset["theme"]).toBeUndefined();
});
