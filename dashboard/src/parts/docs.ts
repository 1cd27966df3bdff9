/** The address of a page of the documentation: beside the dashboard, whatever the server is called behind a proxy. */
export const docs = (page = "") => new URL(`../docs/${page}`, document.baseURI).href;
