# The CPU addon through node-gyp, for machines without CMake. Sources and flags: native/sources.generated.json.
{
  "variables": {
    "list": "<!(node -p \"require('path').resolve('native/sources.generated.json')\")",
    "openssl_fips": ""
  },
  "target_defaults": {
    "cflags!": ["-fno-exceptions"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-std=c++20"],
    "cflags_cc": ["-std=c++17", "<!@(node tools/sources.mjs flags)"],
    "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "BUILDING_NODE_EXTENSION"],
    "include_dirs": [
      "<!(node -p \"require('path').dirname(require.resolve('node-addon-api/package.json'))\")",
      "<!(node -p \"require('node-api-headers').include_dir\")"
    ]
  },
  "targets": [
    {
      "target_name": "kernels_baseline",
      "type": "static_library",
      "standalone_static_library": 1,
      "defines": ["AG_ISA=baseline"],
      "sources": ["<!@(node tools/sources.mjs kernels)"],
      "cflags_cc": ["<!@(node tools/sources.mjs isa baseline)"]
    },
    {
      "target_name": "atomgrad",
      "dependencies": ["kernels_baseline"],
      "sources": ["<!@(node tools/sources.mjs common)"],
      "conditions": [["target_arch=='x64'", { "dependencies": ["kernels_avx2", "kernels_avx512"] }]]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_avx2",
          "type": "static_library",
          "standalone_static_library": 1,
          "defines": ["AG_ISA=avx2"],
          "sources": ["<!@(node tools/sources.mjs kernels)"],
          "cflags_cc": ["<!@(node tools/sources.mjs isa avx2)"]
        },
        {
          "target_name": "kernels_avx512",
          "type": "static_library",
          "standalone_static_library": 1,
          "defines": ["AG_ISA=avx512"],
          "sources": ["<!@(node tools/sources.mjs kernels)"],
          "cflags_cc": ["<!@(node tools/sources.mjs isa avx512)"]
        }
      ]
    }]
  ]
}
