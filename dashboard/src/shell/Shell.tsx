import {
  ActionIcon,
  Anchor,
  AppShell,
  Badge,
  Burger,
  Group,
  Image,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconHelpCircle, IconMoon, IconSun } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type MouseEvent, Suspense } from "react";
import { Link, Outlet, useLocation } from "react-router";

import { api, ApiError } from "@/api/client";
import { docs } from "@/parts/docs";
import { Loading } from "@/parts/Loading";

import { KeyGate } from "./KeyGate";
import { PageBoundary } from "./PageBoundary";
import { PLACES } from "./places";
import classes from "./Shell.module.css";

/** What surrounds every page: navigation, the scheme, how many calls are running. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a href="#content" className={classes.skip} onClick={toContent}>
        Skip to the content
      </a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Anchor component={Link} to="/" underline="never" c="inherit" aria-label="Parola, overview">
              <Group gap={10} wrap="nowrap">
                <Image src="parola.svg" w={28} h={28} alt="" />
                <Text fw={700} fz="lg" component="span">
                  Parola
                </Text>
              </Group>
            </Anchor>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <LiveCount />
            <SchemeSwitch />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <ScrollArea type="never">
          {PLACES.map(({ group, places }) => (
            <div key={group} className={classes.group}>
              <Text className={classes.groupName}>{group}</Text>
              {places.map(({ to, label, icon: Symbol, isLater }) => {
                const isHere = to === "/" ? pathname === "/" : pathname.startsWith(to);
                return (
                  <NavLink
                    key={to}
                    component={Link}
                    to={to}
                    label={label}
                    active={isHere}
                    aria-current={isHere ? "page" : undefined}
                    leftSection={<Symbol size={18} stroke={1.7} />}
                    rightSection={isLater && <Text fz="xs">later</Text>}
                    className={classes.link}
                    onClick={close}
                  />
                );
              })}
            </div>
          ))}
          <NavLink
            component="a"
            href={docs()}
            label="Documentation"
            leftSection={<IconHelpCircle size={18} stroke={1.7} />}
            className={classes.link}
          />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
        <KeyGate>
          <PageBoundary key={pathname}>
            <Suspense fallback={<Loading />}>
              <Outlet />
            </Suspense>
          </PageBoundary>
        </KeyGate>
      </AppShell.Main>
    </AppShell>
  );
}

/** Done here: to the browser `#content` alone is a place on the home page, because of the page's `<base>`. */
function toContent(event: MouseEvent) {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function LiveCount() {
  const { data } = useQuery({
    queryKey: ["live-count"],
    queryFn: ({ signal }) => api.get<{ count: number }>("/v1/convai/analytics/live-count", {}, signal),
    // Without a key that is let in it is not asked again: the next key begins anew.
    refetchInterval: ({ state }) =>
      state.error instanceof ApiError && state.error.status === 401 ? false : 5_000,
  });
  if (!data) return null;
  const isLive = data.count > 0;
  return (
    <Badge
      component={Link}
      to="/live"
      variant={isLive ? "filled" : "default"}
      color={isLive ? "teal" : undefined}
      tt="none"
      style={{ cursor: "pointer" }}
    >
      {data.count} live
    </Badge>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <Tooltip label={`Use ${other} colours`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        onClick={() => setColorScheme(other)}
        aria-label={`Use ${other} colours`}
      >
        {scheme === "dark" ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}
