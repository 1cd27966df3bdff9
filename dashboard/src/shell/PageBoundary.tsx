import { Component, type ReactNode } from "react";

import { Failure } from "@/parts/Failure";

/** A page that breaks says so in its place; the navigation stays. */
export class PageBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    const retry = () => location.reload();
    return <Failure error={this.state.error} what="This page broke" retry={retry} />;
  }
}
