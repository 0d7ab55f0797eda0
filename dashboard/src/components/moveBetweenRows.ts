// Keys of a table's body: down and up, or j and k, move between the links of its rows.

const STEPS: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

export function moveBetweenRows(event: React.KeyboardEvent<HTMLTableSectionElement>): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = STEPS[event.key];
  const row = document.activeElement?.closest("tr");
  if (step === undefined || row === null || row === undefined) return;
  const next = step === 1 ? row.nextElementSibling : row.previousElementSibling;
  event.preventDefault();
  next?.querySelector<HTMLElement>(".row-target")?.focus();
}
