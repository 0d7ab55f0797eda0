// The pages of the navigation, each with the letter that leads there after a g.

export const PAGES = [
  { to: "/", label: "Overview", letter: "o" },
  { to: "/jobs", label: "Jobs", letter: "j" },
  { to: "/artifacts", label: "Artifacts", letter: "a" },
  { to: "/functions", label: "Functions", letter: "f" },
  { to: "/workers", label: "Workers", letter: "w" },
  { to: "/apis", label: "APIs", letter: "p" },
  { to: "/activity", label: "Activity", letter: "l" },
  { to: "/settings", label: "Settings", letter: "s" },
] as const;
