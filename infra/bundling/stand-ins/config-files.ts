/** For the SDK's reader of ~/.aws/config and ~/.aws/credentials, which it looks for at the first request: Lambda has none. */
export const fromSharedConfigFiles = () => async () => {
  throw Object.assign(new Error("a bundle for Lambda reads no config files"), { tryNextLink: true });
};
