// An artifact's tags; each leads to every artifact that has it.
import { Link } from "@tanstack/react-router";

export function Tags({ tags }: { tags: string[] }) {
  if (tags.length === 0) return null;
  return (
    <ul className="tags" aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <Link
            to="/artifacts"
            search={(search) => ({ ...search, tag: [...new Set([...(search.tag ?? []), tag])] })}
            className="tag-link"
            title={`Artifacts tagged ${tag}`}
          >
            {tag}
          </Link>
        </li>
      ))}
    </ul>
  );
}
