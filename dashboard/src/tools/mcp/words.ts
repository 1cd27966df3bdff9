export const POLICIES = [
  { value: "require_approval_all", label: "Somebody agrees to every call" },
  { value: "require_approval_per_tool", label: "Approved tools run by themselves" },
  { value: "auto_approve_all", label: "Every call runs by itself" },
];

export const policyLabel = (policy: string | undefined) =>
  POLICIES.find((one) => one.value === (policy ?? "require_approval_all"))?.label ?? policy ?? "";

export const TRANSPORTS = [
  { value: "STREAMABLE_HTTP", label: "Streamable HTTP" },
  { value: "SSE", label: "SSE" },
];

export const transportLabel = (transport: string | undefined) =>
  TRANSPORTS.find((one) => one.value === (transport ?? "SSE"))?.label ?? transport ?? "";
