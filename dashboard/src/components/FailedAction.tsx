// Why something that was asked for did not happen, in the server's own words.

interface FailedActionProps {
  error: Error | null;
  /** What did not happen, such as "It was not deleted". */
  title: string;
}

export function FailedAction({ error, title }: FailedActionProps) {
  if (error === null) return null;
  return (
    <div className="notice" role="alert">
      <strong>{title}</strong>
      <p>{error.message}</p>
    </div>
  );
}
