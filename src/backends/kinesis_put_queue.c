// SPDX-License-Identifier: MIT
#include "kinesis_put_queue.h"

#include "hashtagd/base/assert.h"

static struct ht_kinesis_put_node **find_oldest(struct ht_kinesis_put_queue *queue, uint64_t hash);
static void append(struct ht_kinesis_put_list *list, struct ht_kinesis_put_node *node);
static void prepend(struct ht_kinesis_put_list *list, struct ht_kinesis_put_node *node);
static struct ht_kinesis_put_node *pop(struct ht_kinesis_put_list *list);

void ht_kinesis_put_queue_init(struct ht_kinesis_put_queue *queue, struct ht_hash_key key)
{
    *queue = (struct ht_kinesis_put_queue){.key = key};
}

void ht_kinesis_put_queue_add(struct ht_kinesis_put_queue *queue, struct ht_kinesis_put_node *node,
                              struct ht_slice key)
{
    node->hash = ht_hash_bytes(&queue->key, key);
    queue->count++;
    struct ht_kinesis_put_node **place = find_oldest(queue, node->hash);
    if (*place != NULL) {
        (*place)->last->follower = node;
        (*place)->last = node;
        return;
    }
    node->last = node;
    *place = node;
    append(&queue->fresh, node);
}

/* Where the oldest record of a key is linked, or would be. */
static struct ht_kinesis_put_node **find_oldest(struct ht_kinesis_put_queue *queue, uint64_t hash)
{
    struct ht_kinesis_put_node **place = &queue->buckets[hash % HT_KINESIS_PUT_BUCKETS];
    while (*place != NULL && (*place)->hash != hash) {
        place = &(*place)->chain;
    }
    return place;
}

static bool fits(const struct ht_kinesis_put_node *node, size_t count, size_t bytes,
                 size_t max_bytes)
{
    return count == 0 ||
           (bytes + node->bytes <= max_bytes && (node->max_batch == 0 || count < node->max_batch));
}

size_t ht_kinesis_put_queue_take(struct ht_kinesis_put_queue *queue, uint64_t now_ms,
                                 struct ht_kinesis_put_node **nodes, size_t max_count,
                                 size_t max_bytes)
{
    struct ht_kinesis_put_list *lists[] = {&queue->again, &queue->fresh};
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < HT_COUNT_OF(lists); i++) {
        while (count < max_count && lists[i]->first != NULL && lists[i]->first->due_ms <= now_ms &&
               fits(lists[i]->first, count, bytes, max_bytes)) {
            struct ht_kinesis_put_node *node = pop(lists[i]);
            nodes[count++] = node;
            bytes += node->bytes;
            if (node->max_batch > 0 && node->max_batch < max_count) {
                max_count = node->max_batch;
            }
        }
    }
    return count;
}

struct ht_kinesis_put_node *ht_kinesis_put_queue_take_dropped(struct ht_kinesis_put_queue *queue)
{
    struct ht_kinesis_put_list *lists[] = {&queue->again, &queue->fresh};
    for (size_t i = 0; i < HT_COUNT_OF(lists); i++) {
        struct ht_kinesis_put_node *before = NULL;
        for (struct ht_kinesis_put_node *at = lists[i]->first; at != NULL; at = at->next) {
            if (at->is_dropped) {
                *(before == NULL ? &lists[i]->first : &before->next) = at->next;
                lists[i]->last = lists[i]->last == at ? before : lists[i]->last;
                at->next = NULL;
                return at;
            }
            before = at;
        }
    }
    return NULL;
}

void ht_kinesis_put_queue_again(struct ht_kinesis_put_queue *queue,
                                struct ht_kinesis_put_node *node, uint64_t due_ms)
{
    node->due_ms = due_ms;
    struct ht_kinesis_put_list *list = &queue->again;
    if (list->last == NULL || list->last->due_ms <= due_ms) {
        append(list, node);
        return;
    }
    if (list->first->due_ms > due_ms) {
        prepend(list, node);
        return;
    }
    struct ht_kinesis_put_node *before = list->first;
    while (before->next->due_ms <= due_ms) {
        before = before->next;
    }
    node->next = before->next;
    before->next = node;
}

void ht_kinesis_put_queue_done(struct ht_kinesis_put_queue *queue, struct ht_kinesis_put_node *node)
{
    struct ht_kinesis_put_node **place = find_oldest(queue, node->hash);
    HT_ASSERT(*place == node);
    struct ht_kinesis_put_node *follower = node->follower;
    queue->count--;
    if (follower == NULL) {
        *place = node->chain;
        return;
    }
    follower->last = node->last;
    follower->chain = node->chain;
    *place = follower;
    prepend(&queue->fresh, follower); /* older than what is there, most likely */
}

uint64_t ht_kinesis_put_queue_wait_ms(const struct ht_kinesis_put_queue *queue, uint64_t now_ms)
{
    const struct ht_kinesis_put_node *again = queue->again.first;
    if (queue->fresh.first != NULL) {
        return 0;
    }
    if (again == NULL) {
        return UINT64_MAX;
    }
    return again->due_ms > now_ms ? again->due_ms - now_ms : 0;
}

static void append(struct ht_kinesis_put_list *list, struct ht_kinesis_put_node *node)
{
    node->next = NULL;
    if (list->last != NULL) {
        list->last->next = node;
    } else {
        list->first = node;
    }
    list->last = node;
}

static void prepend(struct ht_kinesis_put_list *list, struct ht_kinesis_put_node *node)
{
    node->next = list->first;
    list->first = node;
    list->last = list->last == NULL ? node : list->last;
}

static struct ht_kinesis_put_node *pop(struct ht_kinesis_put_list *list)
{
    struct ht_kinesis_put_node *node = list->first;
    list->first = node->next;
    list->last = list->first == NULL ? NULL : list->last;
    node->next = NULL;
    return node;
}
