#include "cuda_runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

constexpr size_t kStackWords = 8 << 10;
constexpr size_t kMostQueued = 4096;

struct Task {
  unsigned grid, block;
  std::function<void()> thread;
};
std::vector<Task> queue;

// Saves the registers a call must keep on the stack and the stack's address in *save, then goes on from `load`.
extern "C" void emulationSwitch(void** save, void* load) asm("emulationSwitch");
#if defined(__x86_64__)
constexpr size_t kSaved = 6, kEntry = 6; // words on the stack, and which of them is the address to go on at
asm(".text\n.globl emulationSwitch\nemulationSwitch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");
#elif defined(__aarch64__)
constexpr size_t kSaved = 20, kEntry = 11;
asm(".text\n.globl emulationSwitch\nemulationSwitch:\nsub sp, sp, #160\n"
    "stp x19, x20, [sp]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\nstp x25, x26, [sp, #48]\n"
    "stp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\nstp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\nmov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
    "ldp x19, x20, [sp]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\nldp x25, x26, [sp, #48]\n"
    "ldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\nldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\n"
    "ldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\nadd sp, sp, #160\nret\n");
#else
#error "cuda emulation: fibers are written for x86-64 and arm64"
#endif

struct Fiber {
  void* stack; // where it stopped
  std::vector<uintptr_t> memory;
  bool done;
};
std::vector<Fiber> fibers;
void* scheduler = nullptr;
Fiber* current = nullptr;
const std::function<void()>* body = nullptr;

[[noreturn]] void stop(const char* message) {
  std::fprintf(stderr, "cuda emulation: %s\n", message);
  std::abort();
}

void runFiber() {
  (*body)();
  current->done = true;
  emulationSwitch(&current->stack, scheduler);
}

void start(Fiber& fiber) {
  fiber.done = false;
  fiber.memory.resize(kStackWords);
  // As a call of runFiber would leave the stack: 16-byte aligned before the return address.
  // Stacks begin at different places of a page: they would share a few cache lines otherwise.
  auto* top = fiber.memory.data() + kStackWords - (&fiber - fibers.data()) % 64 * 24;
  while (reinterpret_cast<uintptr_t>(top) % 16 != 0) --top;
  auto* frame = top - 2 - kSaved;
#if defined(__aarch64__)
  frame = top - kSaved;
#endif
  frame[kEntry] = reinterpret_cast<uintptr_t>(&runFiber);
  fiber.stack = frame;
}

// Until the end of the thread or its next barrier.
void resume(unsigned thread) {
  threadIdx.x = thread;
  current = &fibers[thread];
  emulationSwitch(&scheduler, current->stack);
  current = nullptr;
}

void runBlock(unsigned threads, bool backwards) {
  const auto at = [&](unsigned k) { return backwards ? threads - 1 - k : k; };
  if (fibers.size() < threads) fibers.resize(threads);
  start(fibers[at(0)]);
  resume(at(0));
  if (fibers[at(0)].done) {
    // No barrier in this block: the other threads need no fibers.
    for (unsigned k = 1; k < threads; ++k) {
      threadIdx.x = at(k);
      (*body)();
    }
    return;
  }
  for (unsigned k = 1; k < threads; ++k) {
    start(fibers[at(k)]);
    resume(at(k));
  }
  for (;;) {
    unsigned done = 0;
    for (unsigned k = 0; k < threads; ++k) done += fibers[k].done;
    if (done == threads) return;
    if (done > 0) stop("some threads of a block ended while others wait at a barrier");
    for (unsigned k = 0; k < threads; ++k) resume(at(k));
  }
}

void flush() {
  static bool backwards = false;
  for (const auto& task : queue) {
    body = &task.thread;
    gridDim.x = task.grid;
    blockDim.x = task.block;
    for (unsigned k = 0; k < task.grid; ++k) {
      blockIdx.x = backwards ? task.grid - 1 - k : k;
      runBlock(task.block, backwards);
    }
    backwards = !backwards;
  }
  queue.clear();
}

} // namespace

void __syncthreads() {
  if (!current) stop("a barrier that the first thread of the block did not meet");
  const unsigned thread = threadIdx.x;
  emulationSwitch(&current->stack, scheduler);
  threadIdx.x = thread;
}

namespace emulation {

void enqueue(unsigned grid, unsigned block, std::function<void()> thread) {
  if (grid == 0 || block == 0 || block > 1024) stop("launch of an invalid size");
  queue.push_back({grid, block, std::move(thread)});
  if (queue.size() == kMostQueued) flush();
}

} // namespace emulation

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "CUDA emulated on the host");
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** address, size_t bytes) {
  *address = std::malloc(bytes);
  return *address ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void* address) {
  flush();
  std::free(address);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  flush();
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* address, int byte, size_t bytes, cudaStream_t) {
  flush();
  std::memset(address, byte, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  static int token;
  *stream = &token;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
  flush();
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t) { return "emulated error"; }
