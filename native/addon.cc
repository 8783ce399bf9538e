// The Node addon: one instance per Node environment (main thread or worker), nothing shared between them.
#include <napi.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "file_map.h"
#include "isa.h"
#include "registry.h"
#include "slots.h"
#include "team.h"

namespace ag {
namespace {

class Instance {
public:
  explicit Instance(Napi::Env env) {
    auto words = Napi::Int32Array::New(env, kCommandWords);
    auto reals = Napi::Float64Array::New(env, kMaxReals);
    words_ = words.Data();
    reals_ = reals.Data();
    wordsHandle_ = Napi::Persistent(words);
    realsHandle_ = Napi::Persistent(reals);
    useIsa(bestIsa());
  }

  void useIsa(int isa) {
    isa_ = isa;
    kernels_.clear();
    names_.clear();
    for (const auto& family : familiesOf(isa)) {
      for (int k = 0; k < family.count; ++k) {
        const auto& entry = family.entries[k];
        names_.push_back(entry.name);
        kernels_.insert(kernels_.end(), {entry.f32, entry.f64, entry.i32});
      }
    }
  }

  void run() {
    void* buffers[kMaxBuffers];
    for (int k = 0; k < kMaxBuffers; ++k) {
      const int slot = words_[kBuffers + k];
      if (slot == -2) break; // end of the list
      buffers[k] = slots.at(slot);
    }
    const Call call = {buffers, words_ + kInts, reals_, slots.at(words_[kWork]), &team};
    words_[kStatus] = kernels_[static_cast<size_t>(words_[kKernel])](call);
  }

  int isa() const { return isa_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<Kernel>& kernels() const { return kernels_; }
  Napi::Value words() const { return wordsHandle_.Value(); }
  Napi::Value reals() const { return realsHandle_.Value(); }

  Slots slots;
  Team team{1};

private:
  int32_t* words_;
  double* reals_;
  Napi::Reference<Napi::Int32Array> wordsHandle_;
  Napi::Reference<Napi::Float64Array> realsHandle_;
  std::vector<Kernel> kernels_;
  std::vector<std::string> names_;
  int isa_ = 0;
};

Instance& instanceOf(const Napi::CallbackInfo& info) { return *static_cast<Instance*>(info.Data()); }

// The hot path, in plain Node-API: the wrapper's bookkeeping would double its cost.
napi_value run(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  static_cast<Instance*>(data)->run();
  return nullptr;
}

int slotOf(const Napi::CallbackInfo& info, size_t k) {
  const int64_t slot = info[k].As<Napi::Number>().Int64Value();
  if (!instanceOf(info).slots.holds(slot)) {
    Napi::RangeError::New(info.Env(), "atomgrad native: no such slot").ThrowAsJavaScriptException();
    return -1;
  }
  return static_cast<int>(slot);
}

Napi::Value allocate(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<size_t>(info[0].As<Napi::Number>().DoubleValue());
  return Napi::Number::New(info.Env(), instanceOf(info).slots.allocate(bytes));
}

void release(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info, 0);
  if (slot >= 0) instanceOf(info).slots.free(slot);
}

// lend(typedArray): a slot of the array's own memory; the array must live until the slot is released.
Napi::Value lend(const Napi::CallbackInfo& info) {
  auto array = info[0].As<Napi::TypedArray>();
  auto* host = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return Napi::Number::New(info.Env(), instanceOf(info).slots.lend(host, array.ByteLength()));
}

// hugePages(arrayBuffer): fresh memory of the runtime that is about to be filled.
void hugePages(const Napi::CallbackInfo& info) {
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  Slots::useHugePages(buffer.Data(), buffer.ByteLength());
}

// copy(slot, typedArray, toSlot): the first bytes of the slot to or from the whole array.
void copy(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info, 0);
  if (slot < 0) return;
  auto array = info[1].As<Napi::TypedArray>();
  const size_t bytes = array.ByteLength();
  auto& slots = instanceOf(info).slots;
  if (bytes > slots.bytes(slot)) {
    Napi::RangeError::New(info.Env(), "atomgrad native: copy beyond the slot").ThrowAsJavaScriptException();
    return;
  }
  if (bytes == 0) return;
  auto* host = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  if (info[2].ToBoolean()) std::memcpy(slots.at(slot), host, bytes);
  else std::memcpy(host, slots.at(slot), bytes);
}

// detach(slot, bytes): the slot's memory as an ArrayBuffer of its first bytes, not copied; the slot is gone. Undefined,
// and nothing done, where a runtime allows no memory of others (Electron).
napi_value detach(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info, 0);
  if (slot < 0) return nullptr;
  auto& slots = instanceOf(info).slots;
  const auto bytes = static_cast<size_t>(info[1].As<Napi::Number>().DoubleValue());
  if (bytes > slots.bytes(slot)) {
    Napi::RangeError::New(info.Env(), "atomgrad native: detach beyond the slot").ThrowAsJavaScriptException();
    return nullptr;
  }
  auto finalize = [](napi_env, void* address, void* size) {
    Slots::giveBack(address, reinterpret_cast<uintptr_t>(size));
  };
  napi_value buffer;
  void* size = reinterpret_cast<void*>(slots.bytes(slot));
  if (napi_create_external_arraybuffer(info.Env(), slots.at(slot), bytes, finalize, size, &buffer) != napi_ok)
    return info.Env().Undefined();
  slots.take(slot);
  return buffer;
}

// fill(slot, byte): every byte of the slot; 0xff makes NaN of any float type.
void fill(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info, 0);
  auto& slots = instanceOf(info).slots;
  if (slot >= 0) std::memset(slots.at(slot), info[1].As<Napi::Number>().Int32Value(), slots.bytes(slot));
}

Napi::Value threads(const Napi::CallbackInfo& info) {
  auto& instance = instanceOf(info);
  if (info.Length() > 0) instance.team.resize(info[0].As<Napi::Number>().Int32Value());
  return Napi::Number::New(info.Env(), instance.team.size());
}

Napi::Value isa(const Napi::CallbackInfo& info) {
  auto& instance = instanceOf(info);
  if (info.Length() > 0) {
    const std::string wanted = info[0].As<Napi::String>();
    for (int k = 0; k < kIsaCount; ++k)
      if (isaRuns(k) && wanted == isaName(k)) instance.useIsa(k);
  }
  return Napi::String::New(info.Env(), isaName(instance.isa()));
}

Napi::Value isas(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  for (int k = 0; k < kIsaCount; ++k)
    if (isaRuns(k)) list.Set(list.Length(), Napi::String::New(info.Env(), isaName(k)));
  return list;
}

// [[name, types]...]: types is a bit set of the number types the kernel has (1 f32, 2 f64, 4 i32).
Napi::Value kernels(const Napi::CallbackInfo& info) {
  auto& instance = instanceOf(info);
  auto list = Napi::Array::New(info.Env());
  for (size_t k = 0; k < instance.names().size(); ++k) {
    int types = 0;
    for (size_t t = 0; t < 3; ++t)
      if (instance.kernels()[3 * k + t]) types |= 1 << t;
    auto pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0u, Napi::String::New(info.Env(), instance.names()[k]));
    pair.Set(1u, Napi::Number::New(info.Env(), types));
    list.Set(static_cast<uint32_t>(k), pair);
  }
  return list;
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  auto* instance = new Instance(env);
  env.SetInstanceData(instance); // deleted with the environment: workers come and go
  napi_value runner;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, instance, &runner);
  exports.Set("run", Napi::Value(env, runner));
  exports.Set("words", instance->words());
  exports.Set("reals", instance->reals());
  auto add = [&](const char* name, auto f) { exports.Set(name, Napi::Function::New(env, f, name, instance)); };
  add("allocate", allocate);
  add("release", release);
  add("lend", lend);
  add("hugePages", hugePages);
  add("copy", copy);
  add("detach", [](const Napi::CallbackInfo& info) { return Napi::Value(info.Env(), detach(info)); });
  add("fill", fill);
  add("mapFile", mapFile);
  add("threads", threads);
  add("isa", isa);
  add("isas", isas);
  add("kernels", kernels);
  return exports;
}

} // namespace
} // namespace ag

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return ag::start(env, exports); }
NODE_API_MODULE(atomgrad, Init)
