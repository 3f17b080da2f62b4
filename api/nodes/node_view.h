/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a node. */
#ifndef CF_API_NODES_NODE_VIEW_H
#define CF_API_NODES_NODE_VIEW_H

#include "api/view.h"

/* {"object":"node",...} */
void node_view(struct http_request *rq, const struct db_rows *rows, int row);

#endif
