// Floats above a list that holds still: how much is new, and the way to it.
import { formatCount } from "../format/numbers";

interface NewsButtonProps {
  news: number;
  /** So many are "many". */
  most: number;
  onShow: () => void;
}

export function NewsButton({ news, most, onShow }: NewsButtonProps) {
  if (news === 0) return null;
  return (
    <button
      type="button"
      className="button button-primary news"
      onClick={() => {
        window.scrollTo({ top: 0 });
        onShow();
      }}
    >
      Show {news >= most ? `${formatCount(most)}+` : formatCount(news)} new
    </button>
  );
}
