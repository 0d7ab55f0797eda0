// Tests of the words and the previews of types.
import { describe, expect, it } from "vitest";

import { ARTIFACT_TYPES } from "../api/artifacts";
import { makeArtifact } from "../test/factories";
import { hasThumbnail, isLiveText, previewKind, typeLabel } from "./artifactTypes";

describe("artifact types", () => {
  it.each([
    ["json", "JSON"],
    ["video/mp4", "MP4"],
    ["application/vnd.acme.model", "model"],
    ["application/x-safetensors", "safetensors"],
    ["", "Other"],
  ])("calls %s %s", (type, label) => {
    expect(typeLabel(type)).toBe(label);
  });

  it.each([
    ["file/html", "frame"],
    ["image/svg+xml", "frame"],
    ["video/webm", "video"],
    ["application/ld+json", "json"],
    ["text/x-python", "text"],
    ["application/x-unheard-of", "other"],
  ])("shows %s as %s", (type, kind) => {
    expect(previewKind(makeArtifact({ type }))).toBe(kind);
  });

  it("never shows what can hold scripts as an image of the page", () => {
    for (const type of [...ARTIFACT_TYPES, "image/svg+xml", "text/html", "application/xhtml+xml"]) {
      const kind = previewKind(makeArtifact({ type }));
      expect(kind === "frame").toBe(/svg|html/.test(type));
    }
  });

  it("asks for thumbnails of whole raster images only", () => {
    expect(hasThumbnail(makeArtifact({ type: "image/png" }))).toBe(true);
    expect(hasThumbnail(makeArtifact({ type: "image/svg" }))).toBe(false);
    expect(hasThumbnail(makeArtifact({ type: "image/png", status: "writing" }))).toBe(false);
  });

  it("follows texts that are being written, by type or by name", () => {
    expect(isLiveText(makeArtifact({ type: "text", status: "writing" }))).toBe(true);
    expect(isLiveText(makeArtifact({ type: "application/x-ndjson", name: "a.jsonl", status: "writing" }))).toBe(true);
    expect(isLiveText(makeArtifact({ type: "text" }))).toBe(false);
    expect(isLiveText(makeArtifact({ type: "video/mp4", contentType: "video/mp4", name: "a.mp4", status: "writing" }))).toBe(false);
  });
});
