// The frame around every page: skip link, header with navigation, main area, palette, banner, and the sign-in when a key is needed.
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useSyncExternalStore } from "react";

import { apiPresenceQuery } from "../api/apis";
import { readKeyNeeded, subscribeToKeyNeeded } from "../api/connection";
import { healthQuery } from "../api/health";
import { Keyboard } from "../palette/Keyboard";
import { ConnectionBanner } from "./ConnectionBanner";
import { Mark } from "./Mark";
import { PAGES } from "./pages";
import { SignIn } from "./SignIn";
import { ThemeButton } from "./ThemeButton";

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const keyNeeded = useSyncExternalStore(subscribeToKeyNeeded, readKeyNeeded);
  useFocusOnNavigation(main);
  const pages = usePagesShown();
  const nav = useRef<HTMLElement>(null);
  useOpenPageInSight(nav, pages.length);
  return (
    <>
      <button
        type="button"
        className="skip-link"
        onClick={() => {
          main.current?.focus();
        }}
      >
        Skip to content
      </button>
      <header className="header">
        <div className="header-inner">
          <Link to="/" className="brand">
            <Mark />
            UpNext
          </Link>
          <nav className="nav" aria-label="Pages" ref={nav}>
            {pages.map((page) => (
              <Link
                key={page.to}
                to={page.to}
                className="nav-link"
                activeProps={{ className: "nav-link nav-link-active" }}
                activeOptions={{ exact: page.to === "/", includeSearch: false }}
              >
                {page.label}
              </Link>
            ))}
          </nav>
          <Keyboard />
          <ThemeButton />
          <ServerVersion />
        </div>
      </header>
      <main className="main" ref={main} tabIndex={-1}>
        {keyNeeded ? <SignIn /> : <Outlet />}
      </main>
      <ConnectionBanner />
    </>
  );
}

/** APIs are optional: their page is there once there are any, and for whoever goes there. */
function usePagesShown(): (typeof PAGES)[number][] {
  const { data } = useQuery(apiPresenceQuery());
  const isOpen = useRouterState({ select: (state) => state.location.pathname.startsWith("/apis") });
  return PAGES.filter((page) => page.to !== "/apis" || isOpen || (data !== undefined && data.length > 0));
}

function ServerVersion() {
  const { data } = useQuery(healthQuery());
  return <span className="server-version">{data === undefined ? null : `v${data.version}`}</span>;
}

/** A new page starts at its beginning for keyboard and screen reader too. A changed filter is not a new page. */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>): void {
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [main, pathname]);
}

/** Where the navigation scrolls sideways, the page that is open is in sight. */
function useOpenPageInSight(nav: React.RefObject<HTMLElement | null>, pages: number): void {
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => {
    const link = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (link === null || link === undefined || nav.current === null) return;
    nav.current.scrollTo({ left: link.offsetLeft - (nav.current.clientWidth - link.offsetWidth) / 2 });
  }, [nav, pathname, pages]);
}
