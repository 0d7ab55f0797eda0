// The UpNext mark.

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 18.5 16 11l7 7.5" />
      <circle cx="16" cy="22.4" r="2.1" />
    </svg>
  );
}
