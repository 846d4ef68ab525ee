extension OpenAPI {
    /// The paths beside those of a collection's records.
    static let paths = #"""
        {
          "/livez": {
            "get": {
              "summary": "Whether the process answers",
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
              }
            }
          },
          "/readyz": {
            "get": {
              "summary": "Whether the store can be used",
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
                },
                "503": {
                  "description": "Not ready",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
                }
              }
            }
          },
          "/v1": {
            "get": {
              "summary": "Name, version and capabilities",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/About"}}}
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
          "/metrics": {
            "get": {
              "summary": "Measurements, in the text form of Prometheus",
              "responses": {
                "200": {"description": "Done", "content": {"text/plain": {"schema": {"type": "string"}}}},
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              }
            }
          },
          "/v1/pool": {
            "get": {
              "summary": "The state of the connections to Postgres",
              "responses": {
                "200": {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}},
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              }
            }
          },
          "/v1/metadata/invalidate": {
            "post": {
              "summary": "Forget rows of Postgres by a pattern",
              "requestBody": {
                "required": true,
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object", "required": ["pattern"], "additionalProperties": false,
                      "properties": {"pattern": {"type": "string", "minLength": 1}}
                    }
                  }
                }
              },
              "responses": {
                "200": {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}},
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              }
            }
          },
          "/v1/openapi.json": {
            "get": {
              "summary": "This description",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"type": "object"}}}
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
          "/v1/stats": {
            "get": {
              "summary": "The state of the store",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Statistics"}}}
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
          "/v1/tasks/{task}": {
            "parameters": [
              {
                "name": "task",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "get": {
              "summary": "How far a task is",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}
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
          "/v1/tasks/{task}/events": {
            "parameters": [
              {
                "name": "task",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "get": {
              "summary": "How a task goes on, as server-sent events until it ends",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"text/event-stream": {"schema": {"type": "string"}}}
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
          "/v1/collections": {
            "get": {
              "summary": "The collections",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Collections"}}}
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
          "/v1/collections/{collection}": {
            "parameters": [
              {
                "name": "collection",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
              }
            ],
            "get": {
              "summary": "The state of a collection",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Collection"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              }
            },
            "put": {
              "summary": "Create a collection, or confirm that it is as given",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Collection"}}}
                },
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                },
                "201": {
                  "description": "Created",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Collection"}}}
                }
              },
              "requestBody": {
                "required": true,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Configuration"}}}
              }
            },
            "delete": {
              "summary": "Drop a collection",
              "responses": {
                "204": {"description": "Done"},
                "default": {
                  "description": "A problem (RFC 9457)",
                  "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                  }
                }
              }
            }
          },
          "/v1/tokens/issue": {
            "post": {
              "summary": "Begin a sign-in",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Grant"}}}
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
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/IssueToken"}}}
              }
            }
          },
          "/v1/tokens/refresh": {
            "post": {
              "summary": "Replace a refresh token",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Grant"}}}
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
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RefreshToken"}}}
              }
            }
          },
          "/v1/tokens/revoke": {
            "post": {
              "summary": "Take a sign-in or a token back",
              "responses": {
                "200": {
                  "description": "Done",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Revoked"}}}
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
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RevokeToken"}}}
              }
            }
          },
          "/rest/v1/rpc/{function}": {
            "parameters": [
              {
                "name": "function",
                "in": "path",
                "required": true,
                "schema": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,62}$"}
              }
            ],
            "get": {
              "summary": "Call a function",
              "parameters": [
                {"name": "select", "in": "query", "schema": {"type": "string"}},
                {"name": "order", "in": "query", "schema": {"type": "string"}},
                {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 0}},
                {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}}
              ],
              "responses": {
                "200": {
                  "description": "Rows",
                  "content": {
                    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
                    "application/vnd.pgrst.object+json": {"schema": {"type": "object"}},
                    "text/csv": {"schema": {"type": "string"}}
                  }
                },
                "206": {
                  "description": "Rows",
                  "content": {
                    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
                    "application/vnd.pgrst.object+json": {"schema": {"type": "object"}},
                    "text/csv": {"schema": {"type": "string"}}
                  }
                },
                "default": {
                  "description": "An error in PostgREST's four keys",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RestError"}}}
                }
              }
            },
            "post": {
              "summary": "Call a function",
              "parameters": [
                {"name": "select", "in": "query", "schema": {"type": "string"}},
                {"name": "order", "in": "query", "schema": {"type": "string"}},
                {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 0}},
                {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}}
              ],
              "responses": {
                "200": {
                  "description": "Rows",
                  "content": {
                    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
                    "application/vnd.pgrst.object+json": {"schema": {"type": "object"}},
                    "text/csv": {"schema": {"type": "string"}}
                  }
                },
                "206": {
                  "description": "Rows",
                  "content": {
                    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
                    "application/vnd.pgrst.object+json": {"schema": {"type": "object"}},
                    "text/csv": {"schema": {"type": "string"}}
                  }
                },
                "default": {
                  "description": "An error in PostgREST's four keys",
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RestError"}}}
                }
              },
              "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object"}}}}
            }
          }
        }
        """#
}
