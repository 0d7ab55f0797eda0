// Viewers that are fetched when something needs them, so that the lists stay light.
import { createElement, lazy, type ComponentType } from "react";

import { ViewerGone } from "./ViewerGone";

/** A new version of the server has other files than the page that is open: that must not break the page. */
function viewer<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => {
    try {
      return { default: await load() };
    } catch {
      return { default: () => createElement(ViewerGone) };
    }
  });
}

export const CompareView = viewer(async () => (await import("./viewers/CompareView")).CompareView);
export const MarkdownView = viewer(async () => (await import("./viewers/MarkdownView")).MarkdownView);
export const LiveText = viewer(async () => (await import("./viewers/LiveText")).LiveText);
export const ImageView = viewer(async () => (await import("./viewers/ImageView")).ImageView);
export const PreviewView = viewer(async () => (await import("./viewers/PreviewView")).PreviewView);
