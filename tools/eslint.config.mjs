import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "build/", "node_modules/", "**/*.generated.*"] },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: dirname(dirname(fileURLToPath(import.meta.url))),
      },
    },
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-invalid-void-type": "off",
      "no-console": "error",
      "max-lines": ["error", { max: 400 }],
      eqeqeq: "error",
    },
  },
  { files: ["src/cli/**", "bench/**", "examples/**", "tools/**"], rules: { "no-console": "off" } },
);
