/* Counts the AArch64 instructions that a program executes under qemu-aarch64 of Debian 12 (7.2, plugin API 1), by class.
 *
 * Prints one line at the end: all, vector, loads and stores, branches, integer.
 * Debian has no package with qemu-plugin.h, so the few functions of its API that are used are declared here.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*call)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int add, void *to, uint64_t number);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*call)(plugin_id, void *), void *data);
void qemu_plugin_outs(const char *text);

enum { VECTOR, MEMORY, BRANCH, INTEGER, CLASSES };
static uint64_t counts[CLASSES];
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* The top level of the encoding: bits 28 to 25 (Arm Architecture Reference Manual, C4.1). */
static int class_of(uint32_t code) {
    uint32_t group = code >> 25 & 15;
    if ((group & 5) == 4) return MEMORY;
    if ((group & 7) == 7) return VECTOR;
    return (group & 14) == 10 ? BRANCH : INTEGER;
}

/* Each block of code adds, whenever it runs, what it holds. */
static void translated(plugin_id id, struct qemu_plugin_tb *block) {
    uint64_t holds[CLASSES] = {0};
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        uint32_t code;
        memcpy(&code, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof code);
        holds[class_of(code)]++;
    }
    for (int class = 0; class < CLASSES; class++)
        if (holds[class]) qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &counts[class], holds[class]);
}

static void done(plugin_id id, void *data) {
    char line[160];
    unsigned long long all = 0, of[CLASSES];
    (void)id, (void)data;
    for (int class = 0; class < CLASSES; class++) all += of[class] = counts[class];
    snprintf(line, sizeof line, "%llu %llu %llu %llu %llu\n", all, of[VECTOR], of[MEMORY], of[BRANCH], of[INTEGER]);
    qemu_plugin_outs(line);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments) {
    (void)info, (void)count, (void)arguments;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, done, NULL);
    return 0;
}
