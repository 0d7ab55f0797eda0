// HTTP APIs in a real browser: the one that runs beside the seeded worker, and what was asked of it.
import { expect, test } from "./fixtures";

test("an API shows its traffic, its routes, and the latest requests of a route", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "APIs" }).click();
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "shop" }) });
  await expect(row).toContainText("running");
  await expect(row).toContainText("33.3 %");
  await row.getByRole("link", { name: "shop" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "shop" })).toBeVisible();
  const requests = page.getByRole("list", { name: "Requests, the latest first" });
  await expect(requests.getByRole("listitem")).toHaveCount(3);
  await expect(requests.getByRole("listitem").first()).toContainText("KeyError");
  await expect(page.getByRole("list", { name: "Requests by hour" })).toContainText("2 answered, 1 server errors");

  await page.getByRole("combobox", { name: "Status" }).selectOption("5xx");
  await expect(page).toHaveURL(/status=5xx/);
  await expect(requests.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "GET /orders/{order_id}" }).click();
  await expect(page.getByRole("heading", { name: "Latest requests of GET /orders/{order_id}" })).toBeVisible();
  await page.reload();
  await expect(requests.getByRole("listitem")).toHaveCount(1);
});
