// A job's tags; each leads to every job that has it.
import { Link } from "@tanstack/react-router";

interface JobTagsProps {
  tags: string[];
  /** The others are only counted. */
  most?: number;
}

export function JobTags({ tags, most = tags.length }: JobTagsProps) {
  if (tags.length === 0) return null;
  const rest = tags.slice(most);
  return (
    <ul className="tags" aria-label="Tags">
      {tags.slice(0, most).map((tag) => (
        <li key={tag}>
          <Link to="/jobs" search={{ tag: [tag] }} className="tag-link" title={`Jobs tagged ${tag}`}>
            {tag}
          </Link>
        </li>
      ))}
      {rest.length > 0 && (
        <li className="muted" title={rest.join(", ")}>
          +{rest.length}
        </li>
      )}
    </ul>
  );
}
