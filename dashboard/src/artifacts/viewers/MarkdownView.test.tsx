// Tests of Markdown: it is rendered, and nothing in it becomes markup, a request, or a link that does something.
import { render, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { MarkdownView } from "./MarkdownView";

function show(text: string): HTMLElement {
  render(<MarkdownView text={text} label="Content" />);
  return screen.getByRole("group", { name: "Content" });
}

describe("MarkdownView", () => {
  it("renders headings, emphasis, lists, tables and code", () => {
    const page = show("# Title\n\nSome **bold** `code`.\n\n- [x] done\n- two\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```py\nx < 1\n```\n");
    expect(within(page).getByRole("heading", { name: "Title" })).toBeTruthy();
    expect(page.querySelector("strong")?.textContent).toBe("bold");
    expect(within(page).getByRole("checkbox", { name: "done" })).toBeTruthy();
    expect(within(page).getByRole("cell", { name: "2" })).toBeTruthy();
    expect(page.querySelector("pre")?.textContent).toBe("x < 1");
  });

  it("shows raw markup as the text it is", () => {
    const page = show('<script>alert(1)</script>\n\n<img src=x onerror="alert(1)">\n\nin <b onclick="x()">line</b>');
    expect(page.querySelector("script, img, b")).toBeNull();
    expect(page.textContent).toContain("<script>alert(1)</script>");
    expect(page.textContent).toContain('<b onclick="x()">line</b>');
  });

  it("fetches no pictures", () => {
    const page = show("![a chart](https://example.org/x.png) ![](data:image/png;base64,AAAA)");
    expect(page.querySelector("img")).toBeNull();
    expect(within(page).getByRole("link", { name: "[image: a chart]" }).getAttribute("rel")).toBe("noreferrer noopener");
  });

  it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)", "data:text/html,x", "//example.org", "/jobs", "vbscript:x"])(
    "makes no link to %s",
    (href) => {
      const page = show(`[press](<${href}>)`);
      expect(page.querySelector("a")).toBeNull();
      expect(page.textContent).toContain("press");
    },
  );

  it("reads entities, but no markup in them", () => {
    const page = show("a &amp; b &lt;i&gt; &copy;");
    expect(page.textContent).toBe("a & b <i> ©");
    expect(page.querySelector("i")).toBeNull();
  });
});
