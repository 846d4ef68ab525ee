extension OpenAPI {
    /// The paths of a collection's records.
    static let recordPaths = #"""
        {
          "/v1/collections/{collection}/records": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Upsert records",
              "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/Records"}},
                  "application/x-ndjson": {"schema": {"type": "string"}},
                  "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                }
              }
            }
          },
          "/v1/collections/{collection}/records/update": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Change attributes, payload, partition or id and keep the vector",
              "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": true,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Updates"}}}
              }
            }
          },
          "/v1/collections/{collection}/records/get": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Read records by id",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Got"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": true,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Get"}}}
              }
            }
          },
          "/v1/collections/{collection}/records/delete": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Delete records",
              "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": true,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Delete"}}}
              }
            }
          },
          "/v1/collections/{collection}/records/scan": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Read records page by page",
              "description": "Large answers are chunked and made as they are read.",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": false,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Selection"}}}
              }
            }
          },
          "/v1/collections/{collection}/records/count": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Count records",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Count"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": false,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CountSelection"}}}
              }
            }
          },
          "/v1/collections/{collection}/query": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Find the nearest records",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Result"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/Query"}},
                  "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                }
              }
            }
          },
          "/v1/collections/{collection}/query-batch": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Find the nearest records of several vectors",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Results"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/Queries"}},
                  "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                }
              }
            }
          },
          "/v1/collections/{collection}/rebuild-index": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Train a new index",
              "responses": {
                "202": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": false,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Rebuild"}}}
              }
            }
          },
          "/v1/collections/{collection}/rollback-index": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Go back to the index that the last rebuild replaced",
              "responses": {
                "202": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              }
            }
          },
          "/v1/collections/{collection}/compact": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Merge segments",
              "responses": {
                "202": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": false,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Empty"}}}
              }
            }
          },
          "/v1/collections/{collection}/flush": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "post": {
              "summary": "Write the memtable to a segment",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              },
              "requestBody": {
                "required": false,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Empty"}}}
              }
            }
          }
        }
        """#
}
