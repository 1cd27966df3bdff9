interface Field {
  key: string;
  label: string;
  isSecret?: boolean;
  isOptional?: boolean;
  /** Words with spaces between them are a list. */
  isList?: boolean;
}

export const CONNECTION_TYPES = [
  { value: "bearer_auth", label: "Bearer token" },
  { value: "basic_auth", label: "Name and password" },
  { value: "custom_header_auth", label: "A header of its own" },
  { value: "oauth2_client_credentials", label: "OAuth 2, client credentials" },
  { value: "oauth2_jwt", label: "Signed JWT" },
];

const SCOPES: Field = {
  key: "scopes",
  label: "Scopes, with spaces between them",
  isOptional: true,
  isList: true,
};

/** What each type of connection is made of; finer settings go over the API. */
export const CONNECTION_FIELDS: Record<string, Field[]> = {
  bearer_auth: [{ key: "token", label: "Token", isSecret: true }],
  basic_auth: [
    { key: "username", label: "User name" },
    { key: "password", label: "Password", isSecret: true },
  ],
  custom_header_auth: [
    { key: "header_name", label: "Header" },
    { key: "token", label: "Value", isSecret: true },
  ],
  oauth2_client_credentials: [
    { key: "client_id", label: "Client id" },
    { key: "client_secret", label: "Client secret", isSecret: true },
    { key: "token_url", label: "Token URL" },
    SCOPES,
  ],
  oauth2_jwt: [
    { key: "secret_key", label: "Shared key", isSecret: true },
    { key: "issuer", label: "Issuer", isOptional: true },
    { key: "audience", label: "Audience", isOptional: true },
    { key: "subject", label: "Subject", isOptional: true },
    { key: "token_url", label: "Token URL", isOptional: true },
    SCOPES,
  ],
};
