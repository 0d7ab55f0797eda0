// A box to search in. Typing is answered at once in the box, and a moment later in the address and the list.
import { useEffect, useEffectEvent, useState } from "react";

const TYPING_PAUSE_MS = 250;

interface SearchBoxProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
}

export function SearchBox({ label, placeholder, value, onChange }: SearchBoxProps) {
  const [typed, setTyped] = useState(value);
  const [sent, setSent] = useState(value);
  const [seen, setSeen] = useState(value);
  // An address that changed by other means (back, "Show all") wins over the box; the echo of our own change does not.
  if (value !== seen) {
    setSeen(value);
    if (value !== sent) setTyped(value);
  }
  const commit = useEffectEvent(() => {
    const text = typed.trim();
    if (text === value) return;
    setSent(text);
    onChange(text);
  });
  useEffect(() => {
    const timer = setTimeout(() => {
      commit();
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  return (
    <label className="field field-search">
      <span className="visually-hidden">{label}</span>
      <input
        type="search"
        placeholder={placeholder}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
        }}
      />
    </label>
  );
}
