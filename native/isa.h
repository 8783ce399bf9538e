// The instruction sets one binary carries, and which of them this machine can run.
#pragma once

namespace ag {

enum Isa { kBaseline = 0, kAvx2 = 1, kAvx512 = 2, kIsaCount = 3 };

const char* isaName(int isa);
bool isaRuns(int isa); // the machine and its operating system support it
int bestIsa();

} // namespace ag
