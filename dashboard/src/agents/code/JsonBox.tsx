import { Text } from "@mantine/core";

import type { Json } from "@/api/agents";

import CodeField from "./CodeField";
import { jsonSetup } from "./setup";
import { useJsonText } from "./useJsonText";

const EXTENSIONS = [jsonSetup];

/** A value edited as JSON. */
export default function JsonBox({
  value,
  onChange,
  label,
  minHeight = 160,
}: {
  value: Json;
  onChange: (value: Json) => void;
  label: string;
  minHeight?: number;
}) {
  const { text, type, isJson } = useJsonText(value, onChange);
  return (
    <div>
      <CodeField
        value={text}
        onChange={type}
        label={label}
        extensions={EXTENSIONS}
        minHeight={minHeight}
        maxHeight={420}
      />
      {!isJson && (
        <Text size="sm" c="red" mt={6} role="alert">
          This is not JSON yet; it is not part of the changes until it is.
        </Text>
      )}
    </div>
  );
}
