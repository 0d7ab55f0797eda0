// Markdown as elements of the page, made from the parser's tokens. No markup of the artifact ever becomes markup here: raw
// HTML is shown as the text it is, pictures are not fetched, and links lead only to the web and to mail addresses.
import { lexer, type Token, type Tokens } from "marked";
import { memo, type ReactNode } from "react";

export const MarkdownView = memo(function MarkdownView({ text, label }: { text: string; label: string }) {
  return (
    <div className="markdown" tabIndex={0} role="group" aria-label={label}>
      <Each tokens={lexer(text)} />
    </div>
  );
});

function Each({ tokens }: { tokens: Token[] | undefined }) {
  return <>{tokens?.map((token, index) => <One key={index} token={token as MarkedToken} />)}</>;
}

type MarkedToken =
  | Tokens.Blockquote
  | Tokens.Br
  | Tokens.Checkbox
  | Tokens.Code
  | Tokens.Codespan
  | Tokens.Def
  | Tokens.Del
  | Tokens.Em
  | Tokens.Escape
  | Tokens.Heading
  | Tokens.Hr
  | Tokens.HTML
  | Tokens.Image
  | Tokens.Link
  | Tokens.List
  | Tokens.Paragraph
  | Tokens.Space
  | Tokens.Strong
  | Tokens.Table
  | Tokens.Tag
  | Tokens.Text;

function One({ token }: { token: MarkedToken }): ReactNode {
  switch (token.type) {
    case "heading":
      return <Heading depth={token.depth} tokens={token.tokens} />;
    case "paragraph":
      return (
        <p>
          <Each tokens={token.tokens} />
        </p>
      );
    case "blockquote":
      return (
        <blockquote>
          <Each tokens={token.tokens} />
        </blockquote>
      );
    case "code":
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case "list":
      return <List list={token} />;
    case "table":
      return <Table table={token} />;
    case "hr":
      return <hr />;
    case "strong":
      return (
        <strong>
          <Each tokens={token.tokens} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Each tokens={token.tokens} />
        </em>
      );
    case "del":
      return (
        <del>
          <Each tokens={token.tokens} />
        </del>
      );
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "checkbox":
      return <input type="checkbox" checked={token.checked} readOnly disabled aria-label={token.checked ? "done" : "to do"} />;
    case "link":
      return (
        <SafeLink href={token.href}>
          <Each tokens={token.tokens} />
        </SafeLink>
      );
    case "image":
      return <SafeLink href={token.href}>[image: {token.text === "" ? token.href : token.text}]</SafeLink>;
    case "text":
      return token.tokens !== undefined ? <Each tokens={token.tokens} /> : decoded(token.text);
    case "html":
      return token.block ? <pre className="markdown-raw">{token.text}</pre> : token.text;
    case "escape":
      return token.text;
    case "space":
    case "def":
      return null;
  }
}

/** The page has its own first and second level; those of the document come below. */
function Heading({ depth, tokens }: { depth: number; tokens: Token[] }) {
  const content = <Each tokens={tokens} />;
  if (depth === 1) return <h3 className="markdown-1">{content}</h3>;
  if (depth === 2) return <h4 className="markdown-2">{content}</h4>;
  return <h5 className="markdown-3">{content}</h5>;
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, index) => (
    <li key={index} className={item.task ? "markdown-task" : undefined}>
      <Each tokens={item.tokens} />
    </li>
  ));
  return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table }: { table: Tokens.Table }) {
  return (
    <table className="grid">
      <thead>
        <tr>
          {table.header.map((cell, index) => (
            <th key={index} scope="col">
              <Each tokens={cell.tokens} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={column} className={cell.align === "right" ? "grid-numeric" : undefined}>
                <Each tokens={cell.tokens} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

/** `&amp;` and its like mean one character. An inert document reads them; nothing in it runs or loads. */
function decoded(text: string): string {
  if (!/&(?:#\w+|\w+);/.test(text)) return text;
  const inert = new DOMParser().parseFromString(text.replaceAll("<", "&lt;"), "text/html");
  return inert.body.textContent;
}
