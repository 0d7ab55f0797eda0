// Tags to filter by: typed and added with Enter, taken away with a press.
import { useState } from "react";

interface TagFilterProps {
  tags: string[];
  onChange: (tags: string[]) => void;
}

export function TagFilter({ tags, onChange }: TagFilterProps) {
  const [typed, setTyped] = useState("");
  const add = (event: React.SubmitEvent): void => {
    event.preventDefault();
    const tag = typed.trim();
    setTyped("");
    if (tag !== "" && !tags.includes(tag)) onChange([...tags, tag]);
  };
  return (
    <form className="tag-filter" onSubmit={add}>
      <label className="field">
        <span className="visually-hidden">Add a tag to filter by</span>
        <input
          type="text"
          placeholder="Tag"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
          }}
        />
      </label>
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          className="tag-link tag-removable"
          aria-label={`Remove the tag ${tag}`}
          onClick={() => {
            onChange(tags.filter((one) => one !== tag));
          }}
        >
          {tag}
        </button>
      ))}
    </form>
  );
}
