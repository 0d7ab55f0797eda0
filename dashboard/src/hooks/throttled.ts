// Calls something at most once in a while: at once after a quiet time, else at the end of the gap.

export interface Throttled {
  call: () => void;
  cancel: () => void;
}

export function throttled(action: () => void, gapMs: number): Throttled {
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = (): void => {
    timer = undefined;
    last = Date.now();
    action();
  };
  return {
    call: () => {
      if (timer !== undefined) return;
      const wait = last + gapMs - Date.now();
      if (wait <= 0) run();
      else timer = setTimeout(run, wait);
    },
    cancel: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
